"""One pass from base and adapter to GGUF files, for the architectures of which it is tested byte by byte.

The three steps (engine.export.merge, convert, quantise) are the reference, and do what this does not know.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from engine.export.convert import native_type, to_gguf
from engine.export.converter import Converter
from engine.export.merge_plan import MergedModel
from engine.export.onepass.plan import laid_out, quantised_layout, read_plan
from engine.export.onepass.probe import OutsideOnePassError, write_probe
from engine.export.onepass.write import write_file
from engine.export.quantise import FLOAT_TYPES, IMPORTANCE_TYPES
from engine.models.directory import ModelDirectory

ARCHITECTURES = (
    "Gemma2ForCausalLM",
    "Gemma3ForCausalLM",
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Phi3ForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
    "SmolLM3ForCausalLM",
)
"""Tested: every byte of a file equals that of the three steps."""


def check_known(base: ModelDirectory, kinds: Mapping[str, Path]) -> None:
    """Raise OutsideOnePassError for an architecture or a type that the one pass is not for."""
    if base.architecture not in ARCHITECTURES:
        raise OutsideOnePassError(f"{base.architecture} is not among its architectures")
    floats = set(FLOAT_TYPES) - {native_type(base)}
    unknown = [kind for kind in kinds if kind in floats or kind in IMPORTANCE_TYPES]
    if unknown:
        raise OutsideOnePassError(f"it does not make {', '.join(unknown)}")


def export_once(
    base: ModelDirectory,
    adapter: Path | None,
    outs: Mapping[str, Path],
    name: str,
    advance: Callable[[int], None] = lambda written: None,
    metadata: Mapping[str, str | int] | None = None,
    called: str = "merged",
    started: Converter | None = None,
) -> None:
    """Write base and adapter as GGUF to every path of `outs`, by type.

    `name` and `metadata` are as in `to_gguf`; `called` is the folder's name that the merged model would have,
    from which the converter reads metadata where there are no others. `started` is a converter's process that
    waits for a probe, started early to save time; the caller closes it. `advance` hears the bytes written so
    far; what it raises stops the work. Raises OutsideOnePassError, with nothing left behind, where the three
    steps are needed; UsageError when the adapter does not fit, TemperError as converter and quantiser do.
    """
    check_known(base, outs)
    native = native_type(base)
    folder = next(iter(outs.values())).parent
    with (
        started or Converter(probe=True) as converter,
        MergedModel(base, adapter) as model,
        tempfile.TemporaryDirectory(prefix=".probe-", dir=folder) as scratch,
    ):
        probe = Path(scratch) / (called if adapter else base.path.name)
        write_probe(model, probe)
        converted = Path(scratch) / "probe.gguf"
        to_gguf(probe, converted, native, name, lambda written: advance(0), metadata, converter)
        try:
            plan = read_plan(converted, model)
        except ValueError as error:
            raise OutsideOnePassError(str(error)) from error
        done = 0
        for kind, out in outs.items():
            if kind == native:
                types = {slot.name: slot.type for slot in plan.slots.values()}
                layout = laid_out(plan.metadata, plan, types)
            else:
                layout = quantised_layout(plan, kind, Path(scratch))
            write_file(model, plan, layout, out, partial(_later, advance, done))
            done += out.stat().st_size


def _later(advance: Callable[[int], None], before: int, written: int) -> None:
    advance(before + written)
