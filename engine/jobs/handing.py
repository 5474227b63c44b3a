"""`--for TOOL`: what programs need beside an export's files, and the commands that run them there.

What cannot be handed over is said before anything is made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.export.handoff.tools import GGUF_TOOLS, Source, hand_off, written_names
from engine.export.origin import licence
from engine.jobs.context import JobContext
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store.records.exports import ExportedFile
from store.records.hand_offs import HandOff, Tool

FOLDERS = {"safetensors": "merged", "peft": "peft"}


def reads_weights(tools: Sequence[Tool], parts: Parts) -> bool:
    """Whether a tool wants a folder of safetensors that is not there yet."""
    return parts.adapter is not None and bool(set(tools) - set(GGUF_TOOLS))


def folder_of(stem: str, kind: str) -> str:
    """What the merged model's folder (`safetensors`), or that of the PEFT adapter (`peft`), is called."""
    return f"{stem}-{FOLDERS[kind]}"


def base_name(stem: str, native: str) -> str:
    """What the base's GGUF is called that lies beside an adapter's."""
    return f"{stem}-base-{native}.gguf"


def new_names(tools: Sequence[Tool], parts: Parts, stem: str, kind: str) -> list[str]:
    """What is made beside the GGUF files; `kind` is that of the folder of weights."""
    names = [name for tool in tools for name in written_names(tool, stem)]
    return [*names, folder_of(stem, kind)] if reads_weights(tools, parts) else names


def source_of(base: ModelDirectory, parts: Parts, stem: str) -> Source:
    """What is exported, as programs are told of it; files are filled in by whoever knows them."""
    return Source(
        stem,
        base,
        base.path,
        template=parts.template,
        system=parts.system,
        sampling=parts.sampling,
        licence=licence(base),
    )


def rehearse(tools: Sequence[Tool], source: Source) -> None:
    """Raise UsageError where a program could not run this as it was trained. Leaves nothing."""
    with tempfile.TemporaryDirectory(prefix="temper-") as nowhere:
        for tool in tools:
            hand_off(tool, source, Path(nowhere))


def hand_over(
    context: JobContext,
    tools: Sequence[Tool],
    source: Source,
    out: Path,
    weights: ExportedFile | None,
    ggufs: Sequence[ExportedFile],
) -> list[HandOff]:
    """Write what the tools need. What the ship check has blocked is handed to none, and the user told so.

    Of several GGUF files the first good one is taken. Without `weights`, those of `source` are.
    """
    good = [file for file in ggufs if file.ship_check and file.ship_check.verdict != "BLOCK"]
    if good and not source.adapter_gguf:
        source.gguf = Path(good[0].path)
    made = []
    for tool in tools:
        bad = not good if tool in GGUF_TOOLS else is_blocked(weights)
        if bad:
            context.notice(f"Not handed to {tool}", "The ship check has blocked its file.", warn=True)
        else:
            made.append(hand_off(tool, source, out))
    return made


def is_blocked(file: ExportedFile | None) -> bool:
    """Whether the ship check has refused a file."""
    return bool(file and file.ship_check and file.ship_check.verdict == "BLOCK")
