"""`temper export RUN --adapter-only`: the adapter as GGUF files, checked over the base's GGUF.

Base and merged model are made for the check in the base's own number type and kept where variants find them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.export import gguf_cache
from engine.export.convert import native_type
from engine.export.quantise import FLOAT_TYPES, float_type
from engine.jobs import leftovers, provenance
from engine.jobs.context import JobContext
from engine.jobs.export import (
    ExportParams,
    check_new,
    check_source,
    file_stem,
    out_folder,
    tell,
    training_rows,
)
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts, describe
from store import atomic
from store.errors import UsageError
from store.hashing import sha256_of_file
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.workspace import Workspace

PROMPTS = 12


def check_params(params: ExportParams, parts: Parts) -> None:
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


def run(context: JobContext, params: ExportParams) -> dict[str, Any]:
    """Convert the adapter, check it, publish; the result is an ExportResult."""
    from engine.export.adapter_gguf import adapter_to_gguf

    workspace = context.workspace()
    parts = describe(workspace, params.source)
    check_params(params, parts)
    assert parts.adapter is not None
    base, adapter = check_source(workspace, parts), parts.adapter
    out, stem = out_folder(workspace, params, context.folder.artifacts), file_stem(workspace, parts)
    names = {kind: f"{stem}-adapter-{kind}.gguf" for kind in params.types}
    check_new(out, names.values())
    scratch = out / f"{leftovers.SCRATCH}{context.spec.run_id}"
    scratch.mkdir()
    try:
        origin, metadata = provenance.find_origin(workspace, base, [adapter], None)
        made = {kind: scratch / name for kind, name in names.items()}
        for kind, file in made.items():
            adapter_to_gguf(base, adapter, file, float_type(kind), metadata)
        checks = check_files(context, workspace, base, parts, made)
        source = parts.run_id if parts.run_id and params.source == "last" else params.source
        worst = min(checks, key=lambda check: check.top1_agreement)
        result = ExportResult(context.spec.run_id, source, [], worst, stem)
        for (kind, file), check in zip(made.items(), checks, strict=True):
            result.files.append(publish(file, out / names[kind], kind, check))
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    digest = sha256_of_file(adapter / WEIGHTS)
    passport = provenance.write_passport(base, str(adapter), digest, context.device, origin, result, out)
    tell(context, result, passport)
    return dict(msgspec.to_builtins(result))


def check_files(
    context: JobContext, workspace: Workspace, base: ModelDirectory, parts: Parts, made: dict[str, Path]
) -> list[ShipCheck]:
    """Every adapter file over the base, against the merged model."""
    from engine.export.adapter_check import check_adapter
    from engine.export.tolerances import tolerance_of

    assert parts.adapter is not None
    native = native_type(base)

    def say(step: str) -> None:
        context.check_stop()
        context.notice(step)

    bare = gguf_cache.gguf_for(workspace.paths, base.path, None, native, say)
    merged = gguf_cache.gguf_for(workspace.paths, base.path, parts.adapter, native, say)
    prompts = prompts_of(workspace, base, parts, [parts.adapter])
    return [
        check_adapter(bare, file, merged, prompts, tolerance_of(kind, base.dtype))
        for kind, file in made.items()
    ]


def prompts_of(
    workspace: Workspace, base: ModelDirectory, parts: Parts, trained_on: Sequence[Path]
) -> list[list[int]]:
    """Questions as ids: of rows that were held out where there are any, else general ones."""
    from engine.data.rendering import Renderer
    from engine.evals.cases import spread
    from engine.export.hard_texts import QUESTIONS
    from engine.models.tokenizer import encode_prompt
    from store.records.data import Message

    renderer = Renderer(base, parts.template, parts.system)
    _, asked, _ = training_rows(workspace, trained_on)
    turns = [row.messages[:-1] for row in spread([row for row in asked if row.messages], PROMPTS)]
    turns = turns or [[Message("user", text)] for text in QUESTIONS]
    return [encode_prompt(renderer.tokenizer, renderer.prompt_text(one), renderer.bos) for one in turns]


def publish(file: Path, target: Path, kind: str, check: ShipCheck) -> ExportedFile:
    """Give a checked file its final name; one that was blocked is called so."""
    if check.verdict == "BLOCK":
        target = target.with_suffix(f".BLOCKED{target.suffix}")
    exported = ExportedFile(str(target), kind, file.stat().st_size, sha256_of_file(file), check)
    os.replace(file, target)
    atomic.sync_directory(target.parent)
    return exported
