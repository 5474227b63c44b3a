"""What would end an export only after a while, found before: taken names, unfit programs, no rows at hand.

Asked by the command before it starts a run, and by the run itself. Imports nothing heavy.
"""

from __future__ import annotations

from pathlib import Path

from engine.export.convert import native_type
from engine.export.handoff.tools import GGUF_TOOLS
from engine.jobs import handing, mixing, publishing
from engine.jobs.calibration import Calibration
from engine.jobs.export_request import ExportParams
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store.errors import UsageError
from store.records.data import Message
from store.workspace import Workspace


def stem_of(workspace: Workspace, params: ExportParams, parts: Parts) -> str:
    """What the files' names begin with."""
    return mixing.stem(params.mix) if params.mix else publishing.file_stem(workspace, parts)


def names_of(params: ExportParams, stem: str) -> dict[str, str]:
    """The name of each GGUF file by its type."""
    middle = "-adapter" if params.adapter_only else ""
    return {kind: f"{stem}{middle}-{kind}.gguf" for kind in params.types}


def check(
    workspace: Workspace, params: ExportParams, parts: Parts, base: ModelDirectory, out: Path | None
) -> None:
    """Raise UsageError for what could not end well. Without `out` nothing can be in the way."""
    stem = stem_of(workspace, params, parts)
    if out is not None:
        publishing.check_folder(out)
        publishing.check_new(out, every_name(params, parts, base, stem))
    check_template(base, parts)
    trained_on = mixing.trained_on(workspace, params.mix, parts)
    Calibration(workspace, base, parts, trained_on).check(params.types)
    source = handing.source_of(base, parts, stem)
    here = Path()
    names = [here / name for name in names_of(params, stem).values()]
    source.gguf = names[0]
    if params.adapter_only:
        source.gguf, source.adapter_gguf = here / handing.base_name(stem, native_type(base)), names[0]
        source.adapter = parts.adapter
    handing.rehearse(params.tools, source)


def every_name(params: ExportParams, parts: Parts, base: ModelDirectory, stem: str) -> list[str]:
    """All that an export makes beside its report."""
    kind = "peft" if params.adapter_only else "safetensors"
    names = [*names_of(params, stem).values(), *handing.new_names(params.tools, parts, stem, kind)]
    if params.adapter_only and set(params.tools) & set(GGUF_TOOLS):
        names.append(handing.base_name(stem, native_type(base)))
    return names


def check_template(base: ModelDirectory, parts: Parts) -> None:
    """Raise UsageError where the template refuses even a single question."""
    from engine.data.rendering import Renderer

    if not (parts.template or base.chat_template):
        return
    try:
        Renderer(base, parts.template, "").prompt_text([Message("user", "Hello?")])
    except UsageError as error:
        raise UsageError(
            "The model's chat template cannot be used",
            f"{base.path}: it refuses a single question. {error.happened}",
            "Mend it in chat_template.jinja or tokenizer_config.json, or copy the model again.",
        ) from error
