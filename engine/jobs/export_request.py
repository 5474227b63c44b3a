"""What an export is asked for, and whether its source can be exported at all. Imports nothing heavy."""

from __future__ import annotations

import msgspec

from engine.export import gguf_cache
from engine.export.quantise import FLOAT_TYPES
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store.errors import UsageError
from store.records.exports import Mix
from store.records.hand_offs import Tool
from store.workspace import Workspace


class ExportParams(msgspec.Struct):
    """What to export: a training run (id, prefix, `last`), a kept adapter, a variant or a model.

    `types` are GGUF types. `out` is a folder, relative to the workspace; the run's own when None. With a
    `mix` of adapters `source` is empty. `suite` judges the files; one of the run's own data when None.
    `adapter_only`: the adapter as a file of its own, for a GGUF of the base. With `ladder` all types are
    measured and only the smallest good one is kept. `tools` are the programs that are to run the files.
    """

    source: str
    types: list[str]
    out: str | None = None
    mix: Mix | None = None
    suite: str | None = None
    adapter_only: bool = False
    ladder: bool = False
    tools: list[Tool] = []


def check_source(workspace: Workspace, parts: Parts) -> ModelDirectory:
    """The base of what is exported. Raises UsageError or MissingError where it cannot be."""
    if parts.model.suffix == ".gguf":
        raise UsageError(
            "A GGUF file is exported already",
            f"{parts.model} is a GGUF.",
            "Name the Hugging Face directory that it was made from.",
        )
    base = ModelDirectory(parts.model)
    if parts.adapter is not None:
        gguf_cache.check_base(workspace.paths, base, parts.adapter)
    return base


def check_adapter_only(params: ExportParams, parts: Parts) -> None:
    """Raise UsageError for what has no adapter GGUF: a model, several adapters, a quantised type."""
    coarse = [kind for kind in params.types if kind not in FLOAT_TYPES]
    reason = ""
    if parts.adapter is None and params.mix is None:
        reason = f"{params.source} has no adapter"
    elif params.mix is not None:
        reason = "Several adapters are put on by llama.cpp itself, each with its weight"
    elif coarse:
        reason = f"An adapter is kept in {', '.join(FLOAT_TYPES)}, not in {', '.join(coarse)}"
    if reason:
        raise UsageError(
            "This has no adapter GGUF",
            f"{reason}.",
            "Leave out --adapter-only, or name one run and a float type.",
        )
