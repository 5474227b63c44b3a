"""`temper export RUN --adapter-only`: the adapter as GGUF files, checked over the base's GGUF.

Base and merged model are made for the check in the base's own number type and kept where variants find them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.export import gguf_cache
from engine.export.convert import native_type
from engine.export.handoff.tools import GGUF_TOOLS, Source
from engine.export.quantise import float_type
from engine.jobs import examining, foreseeing, handing, leftovers, provenance, publishing
from engine.jobs.context import JobContext
from engine.jobs.export_request import ExportParams, check_adapter_only, check_source
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts, describe
from store import atomic
from store.hashing import sha256_of_file
from store.records.exports import ExportResult, ShipCheck
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.ship.asked import Material

PROMPTS = 12


def run(context: JobContext, params: ExportParams) -> dict[str, Any]:
    """Convert the adapter, check it, publish; the result is an ExportResult."""
    from engine.export.adapter_gguf import adapter_to_gguf
    from engine.export.ship.check import worst

    workspace = context.workspace()
    parts = describe(workspace, params.source)
    check_adapter_only(params, parts)
    assert parts.adapter is not None
    base, adapter = check_source(workspace, parts), parts.adapter
    out = publishing.out_folder(workspace, params.out, context.folder.artifacts)
    foreseeing.check(workspace, params, parts, base, out)
    stem = foreseeing.stem_of(workspace, params, parts)
    names = foreseeing.names_of(params, stem)
    source = handing.source_of(base, parts, stem)
    source.adapter, source.gguf = adapter, out / handing.base_name(stem, native_type(base))
    scratch = out / f"{leftovers.SCRATCH}{context.spec.run_id}"
    scratch.mkdir()
    try:
        origin, metadata = provenance.find_origin(workspace, base, [adapter], None)
        made = {kind: scratch / name for kind, name in names.items()}
        for kind, file in made.items():
            adapter_to_gguf(base, adapter, file, float_type(kind), metadata)
        checks = check_files(context, workspace, base, parts, made, params.suite)
        asked = parts.run_id if parts.run_id and params.source == "last" else params.source
        result = ExportResult(context.spec.run_id, asked, [], worst(checks), stem)
        for (kind, file), check in zip(made.items(), checks, strict=True):
            result.files.append(publishing.name_file(file, out / names[kind], kind, check))
        hand_over(context, workspace, params, source, out, result)
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    digest = sha256_of_file(adapter / WEIGHTS)
    passport = provenance.write_passport(workspace, base, parts, digest, context.device, origin, result, out)
    publishing.tell(context, result, passport)
    return dict(msgspec.to_builtins(result))


def hand_over(
    context: JobContext,
    workspace: Workspace,
    params: ExportParams,
    source: Source,
    out: Path,
    result: ExportResult,
) -> None:
    """Put beside the adapter what the tools need, and write their files; all of it into the result."""
    assert source.adapter is not None
    ggufs, folder, tools = list(result.files), None, params.tools
    good = [file for file in ggufs if not handing.is_blocked(file)]
    native = native_type(source.base)
    bare = gguf_cache.gguf_for(workspace.paths, source.base.path, None, native)
    result.base_gguf = str(bare)
    if good and set(tools) & set(GGUF_TOOLS) and source.gguf is not None:
        publishing.link_or_copy(bare, source.gguf)
        source.adapter_gguf, result.base_gguf = Path(good[0].path), str(source.gguf)
    if set(tools) - set(GGUF_TOOLS):
        target = out / handing.folder_of(source.stem, "peft")
        folder = publishing.copy_adapter(source.adapter, target)
        source.adapter = Path(folder.path)
        result.files.append(folder)
    result.hand_offs = handing.hand_over(context, tools, source, out, folder, ggufs)


def check_files(
    context: JobContext,
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    made: dict[str, Path],
    suite: str | None,
) -> list[ShipCheck]:
    """The ship check of every adapter file over the base's GGUF, and whether it is as good as merged."""
    from engine.export.adapter_check import check_adapter
    from engine.export.tolerances import tolerance_of

    assert parts.adapter is not None
    native = native_type(base)

    def say(step: str) -> None:
        context.check_stop()
        context.notice(step)

    bare = gguf_cache.gguf_for(workspace.paths, base.path, None, native, say)
    merged = gguf_cache.gguf_for(workspace.paths, base.path, parts.adapter, native, say)
    trained_on = [parts.adapter]
    material = examining.material_of(workspace, base, parts, trained_on, suite)
    checks = examining.check_files(context, base, parts, made, material, trained_on, bare)
    prompts = prompts_of(base, material)
    for (kind, file), check in zip(made.items(), checks, strict=True):
        add(check, check_adapter(bare, file, merged, prompts, tolerance_of(kind, base.dtype)))
    return checks


def add(check: ShipCheck, other: ShipCheck) -> None:
    """Let what another look at the same file found count, too."""
    from engine.export.ship.check import ORDER

    check.reasons = [*other.reasons, *check.reasons]
    check.verdict = max(check.verdict, other.verdict, key=ORDER.index)


def prompts_of(base: ModelDirectory, material: Material) -> list[list[int]]:
    """Some of the questions as ids."""
    from engine.evals.cases import spread
    from engine.models.tokenizer import encode_prompt, load_tokenizer

    tokenizer, bos = load_tokenizer(base.tokenizer_file), base.special_token("bos_token")
    return [encode_prompt(tokenizer, one.prompt, bos) for one in spread(material.questions, PROMPTS)]
