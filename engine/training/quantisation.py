"""What 4 bits cost a base: the same rows under the base in 16 bits and in NF4, before anything is trained.

Measured once for a base and its rows and remembered in the workspace's derived state. The unquantised base is
loaded only where memory holds it. On the processor the reference computes in float32, since bfloat16 is many
times slower there than on a card; the weights are those of the file either way. Imports no torch before it
measures: what is known already is read without.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.data.rendering import Row
from engine.export.gguf_cache import known_fingerprint
from engine.models.directory import ModelDirectory
from engine.training.estimate import CUDA_CONTEXT, FLOAT, HALF, LOSS_TILE
from engine.training.outcome import change
from engine.training.shape import shape_of
from engine.training.trial_rows import digest
from store import atomic
from store.paths import WorkspacePaths
from store.records.outcome import QuantisationCost, RowScore
from store.records.plan import Machine
from store.records.recipe import Recipe

if TYPE_CHECKING:
    from engine.training.devices import DeviceDefaults

PASS_TOKENS = 2048  # as engine.training.scoring, which brings torch


def file_for(paths: WorkspacePaths, fingerprint: str, recipe: Recipe, rows: Sequence[Row]) -> Path:
    """Where the cost is remembered: by the base's content, the rows as it sees them, how it is quantised."""
    doubly = "double" if recipe.double_quantisation is not False else "single"
    return paths.models / fingerprint[:12] / f"nf4-{doubly}-{digest(rows)[:16]}.json"


def known(
    paths: WorkspacePaths, base: ModelDirectory, recipe: Recipe, rows: Sequence[Row]
) -> QuantisationCost | None:
    """What was measured earlier; None where nothing was, or for a run that is not qlora. Hashes no base."""
    fingerprint = known_fingerprint(paths, base)
    if recipe.method != "qlora" or fingerprint is None or not rows:
        return None
    return remembered(file_for(paths, fingerprint, recipe, rows))


def remembered(file: Path) -> QuantisationCost | None:
    """The cost in a file; None where there is none that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=QuantisationCost)
    except (OSError, msgspec.MsgspecError):
        return None


def cost(
    base: ModelDirectory, recipe: Recipe, rows: Sequence[Row], rows_from: str, machine: Machine, file: Path
) -> QuantisationCost:
    """What was measured earlier, or is measured now and kept in `file`; `problem` says why it is not.

    `recipe` leaves nothing to `auto`.
    """
    found = remembered(file)
    if found is not None:
        return found
    needed = bytes_needed(base, rows, machine)
    if needed > machine.free_bytes:
        return QuantisationCost(
            rows_from=rows_from,
            problem=f"not measured: the base in {16 if machine.cuda else 32} bits needs about "
            f"{needed / 1e9:,.1f} GB, {machine.free_bytes / 1e9:,.1f} GB are free",
        )
    found = measure(base, recipe, rows, rows_from)
    if found.change is not None:
        atomic.write_bytes(file, msgspec.json.format(msgspec.json.encode(found)))
    return found


def bytes_needed(base: ModelDirectory, rows: Sequence[Row], machine: Machine) -> int:
    """The unquantised base with a forward pass of the rows: weights, one layer's tensors, a tile of logits.

    Of a layer the states, queries, keys, values and the MLP's halves, each twice over.
    """
    size = HALF if machine.cuda else FLOAT
    shape = shape_of(base)
    tokens = max([PASS_TOKENS, *(len(row.input_ids) for row in rows)])
    layer = tokens * size * 2 * (4 * shape.hidden + 3 * shape.intermediate)
    logits = 3 * FLOAT * tokens * shape.vocabulary if shape.scaled_head else 3 * LOSS_TILE
    context = CUDA_CONTEXT if machine.cuda else 0
    return size * shape.parameters + layer + logits + context


def measure(base: ModelDirectory, recipe: Recipe, rows: Sequence[Row], rows_from: str) -> QuantisationCost:
    """Load the base twice, one after the other, and score the rows with each."""
    from engine.training.devices import find_device
    from engine.training.memory_ladder import is_out_of_memory

    device = find_device()
    device = device.computing(recipe.precision if device.cuda else "float32")
    try:
        plain = scores(base, recipe, "lora", device, rows)
        quantised = scores(base, recipe, "qlora", device, rows)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return QuantisationCost(
            rows_from=rows_from, problem="not measured: memory ran out while the base was in it unquantised"
        )
    finally:
        forget_peak()
    return QuantisationCost(change(plain, quantised), rows_from, device.compute)


def scores(
    base: ModelDirectory, recipe: Recipe, method: str, device: DeviceDefaults, rows: Sequence[Row]
) -> list[RowScore]:
    """The rows under the base as `method` loads it; nothing of it stays in memory."""
    from engine.training.base import load_base
    from engine.training.scoring import score

    loaded: Any = load_base(base, msgspec.structs.replace(recipe, method=method, packing=False), device)
    try:
        return score(loaded, rows, dtype=device.dtype)
    finally:
        del loaded
        forget_peak()


def forget_peak() -> None:
    """Give memory back, and let the peak that is told of the run be that of the run."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):  # Linux: the process's own peak begins anew (proc(5), clear_refs)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def words(found: QuantisationCost) -> str:
    """The cost in a sentence, for people."""
    if found.change is None:
        return found.problem
    before, after = found.change.before, found.change.after
    error = "" if found.change.loss_error is None else f" \u00b1 {found.change.loss_error:.3f}"
    return (
        f"loss {before.loss:.3f} in {found.reference}, {after.loss:.3f} in 4 bits "
        f"({found.change.loss:+.3f}{error} nats a token); {before.accuracy:.1%} and {after.accuracy:.1%} of "
        f"tokens hit, on {before.rows} {found.rows_from}"
    )
