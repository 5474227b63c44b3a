"""The job `ingest`: a knowledge base's sources become its next generation."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from engine.jobs.context import JobContext, Phases
from engine.retrieval.sources import BUILTIN_EMBEDDER, embedder_path
from store import knowledge
from store.records.workspace import Knowledge
from store.workspace import Workspace

SHOWN_SKIPS = 10


class IngestParams(msgspec.Struct):
    """What to build. Whatever is left out is as `[knowledge.KB]` of temper.toml says."""

    kb: str
    sources: list[str] = []
    embedder: str = ""
    chunk_tokens: int | None = None


def run(context: JobContext) -> dict[str, Any]:
    """Ingest; the result is {kb, generation, new, documents, chunks, embedded, reused, cut, skipped, ...}."""
    # Only here, in the worker: these load llama.cpp.
    from engine.inference.embedder import Embedder
    from engine.retrieval.indexing import build_index
    from engine.retrieval.readers import find_files

    begin = time.monotonic()
    params = context.params(IngestParams)
    workspace = context.workspace()
    settings = settings_of(workspace, params)
    path = embedder_path(workspace, settings.embedder)
    with knowledge.publishing(workspace.paths, params.kb, context.spec.run_id):
        files = find_files([workspace.path(source) for source in settings.sources], workspace.root)
        with Embedder(path) as embedder:
            phases = Phases(context)
            built = build_index(
                workspace.paths, params.kb, files, embedder, settings.chunk_tokens, phases.advance
            )
    manifest = built.manifest
    tell_skipped(context, manifest.skipped)
    if built.cut:
        context.notice(f"{built.cut} passages cut", "They are longer than the embedder reads.", warn=True)
    return {
        "kb": params.kb,
        "generation": manifest.generation,
        "new": built.new,
        "documents": manifest.documents,
        "chunks": manifest.chunks,
        "embedded": built.embedded,
        "reused": built.reused,
        "cut": built.cut,
        "skipped": manifest.skipped,
        "seconds": round(time.monotonic() - begin, 3),
    }


def settings_of(workspace: Workspace, params: IngestParams) -> Knowledge:
    """What is to be built: parameters, filled up from temper.toml. Raises UsageError for an unknown name."""
    if params.kb in workspace.config.knowledge or not params.sources:
        known = workspace.knowledge(params.kb)
    else:
        known = Knowledge(params.sources)
    return Knowledge(
        sources=params.sources or known.sources,
        embedder=params.embedder or known.embedder or BUILTIN_EMBEDDER,
        chunk_tokens=params.chunk_tokens or known.chunk_tokens,
    )


def tell_skipped(context: JobContext, skipped: dict[str, str]) -> None:
    """Name files that are not in the knowledge base, and why; all of them are in the result."""
    if not skipped:
        return
    lines = [f"{name}: {reason}" for name, reason in list(skipped.items())[:SHOWN_SKIPS]]
    if len(skipped) > SHOWN_SKIPS:
        lines.append(f"and {len(skipped) - SHOWN_SKIPS} more")
    context.notice(f"{len(skipped)} files skipped", "\n".join(lines), warn=True)
