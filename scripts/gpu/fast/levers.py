"""What each lever gives alone, and all of them together.

On rows as long as those of the real mix, eight to a step: from a run as the stock trainer has it (padded,
everything recomputed, scales quantised twice, the loss of full logits), one lever at a time; then all levers,
and all but one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.training import loss_head
from scripts.gpu import rows, shapes
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _runs

MINUTES = 6.5
BATCH = 8
PLAIN: dict[str, Any] = {
    "packing": False, "recompute_layers": "all", "double_quantisation": True, "optimiser": "paged_adamw_8bit",
}  # fmt: skip
LEVERS: dict[str, dict[str, Any]] = {
    "packing": {"packing": True},
    "nothing recomputed": {"recompute_layers": 0},
    "float32 scales": {"double_quantisation": False},
    "AdamW on the card": {"optimiser": "adamw"},
    "tiled loss": {"tiled": True},
}


def run(bench: Bench) -> Found:
    """A table of tokens a second and peaks, against the plain run."""
    found, table = Found(), []
    every = {key: value for changes in LEVERS.values() for key, value in changes.items()}
    settings = {
        "none": {},
        **LEVERS,
        "all": every,
        "all, twice the rows in a pass": every | {"batch_size": 16},
    }
    offloaded = {"packing": True, "tiled": True, "offload": "activations"}
    settings["packing, tiled loss, activations on the host"] = offloaded
    settings |= {f"all but {name}": without(every, name) for name in ("packing", "nothing recomputed")}
    plain = 0.0
    for name, changes in settings.items():
        done = one(bench, name, PLAIN | changes)
        plain = plain or done["tokens_per_second"]
        table.append(
            {
                "levers": name,
                "useful tokens/s": round(done["tokens_per_second"]),
                "times none": round(done["tokens_per_second"] / plain, 3),
                "peak GiB": _runs.gibibytes(done["peak_bytes"]),
                "last loss": round(done["losses"][-1], 4),
            }
        )
    worst = max(
        abs(row["last loss"] - table[0]["last loss"]) for row in table if "twice" not in row["levers"]
    )
    found.gate("all learn the same", worst <= 0.05, f"last losses within {worst:.3f}")
    found.figures["levers"] = table
    return found


def without(every: dict[str, Any], name: str) -> dict[str, Any]:
    """All levers but one."""
    return {key: value for key, value in every.items() if key not in LEVERS[name]}


def one(bench: Bench, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A run with some levers."""
    tiled = changes.pop("tiled", False)
    batch, steps = changes.pop("batch_size", BATCH), bench.size(10, 4)
    lengths, _ = rows.mix_lengths(bench.carried, batch * steps)
    lengths = [max(4, length // 32) for length in lengths] if bench.rehearse else lengths
    made = rows.random_rows(shapes.SHAPES[bench.shape].vocabulary, lengths, trained=0.5)
    with stock_head(not tiled):
        return _runs.timed(
            bench, bench.shape, made, name, method="qlora", max_steps=steps, batch_size=batch,
            max_length=2048, **changes,
        )  # fmt: skip


@contextmanager
def stock_head(wanted: bool) -> Iterator[None]:
    """Inside, TRL's own loss stays on the model: Temper's head is not put on."""
    stock = loss_head.install
    if wanted:
        loss_head.install = lambda *given, **named: False
    try:
        yield
    finally:
        loss_head.install = stock
