"""The job `ingest`: a knowledge base's sources become its next generation."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from engine.jobs.context import JobContext, Phases
from engine.retrieval.sources import BUILTIN_EMBEDDER, embedder_path, written
from store import knowledge, vector_index
from store.records.workspace import Chunker, Knowledge
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.inference.embedder import Embedder
    from engine.retrieval.fitness import Warned
    from engine.retrieval.indexing import Built, IndexSettings

SHOWN_SKIPS = 10


class IngestParams(msgspec.Struct):
    """What to build. Whatever is left out is as `[knowledge.KB]` of temper.toml says.

    An `embedder` or `chunker` that is named here is written there once the generation is ready.
    """

    kb: str
    sources: list[str] = []
    embedder: str = ""
    chunk_tokens: int | None = None
    chunker: Chunker | None = None


def run(context: JobContext) -> dict[str, Any]:
    """Ingest; the result is {kb, generation, new, documents, chunks, embedded, reused, cut, skipped, ...}."""
    # Only here, in the worker: these load llama.cpp.
    from engine.inference.embedder import Embedder
    from engine.retrieval.readers import find_files

    begin = time.monotonic()
    params = context.params(IngestParams)
    workspace = context.workspace()
    settings = settings_of(workspace, params)
    path = embedder_path(workspace, settings.embedder)
    if settings.chroma:
        with vector_index.connected(settings.chroma):
            pass  # better told now than after an hour of embedding
    with knowledge.publishing(workspace.paths, params.kb, context.spec.run_id):
        files = find_files([workspace.path(source) for source in settings.sources], workspace.root)
        with Embedder(path) as embedder:
            built = build(context, workspace, params, settings, embedder, files)
    manifest = built.manifest
    tell_skipped(context, manifest.skipped)
    if built.cut:
        context.notice(
            f"{built.cut} passages cut",
            f"They are longer than the {manifest.window} tokens that the embedder reads; set chunk_tokens "
            "lower, or take an embedder for long texts: temper kb ingest --embedder FILE",
            warn=True,
        )
    return {
        "kb": params.kb,
        "generation": manifest.generation,
        "new": built.new,
        "documents": manifest.documents,
        "unchanged": built.unchanged,
        "chunks": manifest.chunks,
        "embedded": built.embedded,
        "reused": built.reused,
        "cut": built.cut,
        "skipped": manifest.skipped,
        "stages": built.stages,
        "seconds": round(time.monotonic() - begin, 3),
    }


def build(
    context: JobContext,
    workspace: Workspace,
    params: IngestParams,
    settings: Knowledge,
    embedder: Embedder,
    files: dict[str, Any],
) -> Built:
    """The next generation, with warnings where documents do not suit the embedder."""
    from engine.retrieval.indexing import build_index

    with ExitStack() as stack:
        writer = None
        if settings.context_model:
            # An ingest does not queue for the GPU, so it must not take any of it.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
            from engine.retrieval.context_model import ContextModel

            writer = stack.enter_context(ContextModel(workspace, settings.context_model, context.notice))
        built = build_index(
            workspace.paths,
            params.kb,
            files,
            embedder,
            index_settings(settings, embedder),
            Phases(context).advance,
            writer,
            before_swap=lambda: remember(workspace, params, settings),
        )
        if writer is not None and writer.too_long:
            text = "Their passages have no line of context: the prompt is longer than the model reads."
            context.notice(
                f"{writer.too_long} prompts too long for {settings.context_model}", text, warn=True
            )
    for warned in misfits(workspace, settings, built):
        context.notice(warned.title, warned.text, warn=True)
    return built


def index_settings(settings: Knowledge, embedder: Embedder) -> IndexSettings:
    """How to build, with the embedder's own prefixes where temper.toml names none."""
    from engine.retrieval.chunking.settings import ChunkSettings
    from engine.retrieval.indexing import IndexSettings
    from engine.retrieval.prefixes import known_prefixes

    known = known_prefixes(*embedder.names)
    return IndexSettings(
        ChunkSettings(settings.chunker, settings.chunk_tokens, settings.overlap_tokens),
        known.query if settings.query_prefix is None else settings.query_prefix,
        known.document if settings.document_prefix is None else settings.document_prefix,
        settings.embedder,
        settings.chroma,
        settings.keep,
    )


def misfits(workspace: Workspace, settings: Knowledge, built: Built) -> list[Warned]:
    """What does not suit the embedder; looked for when something is new."""
    from engine.retrieval.fitness import language_warning, length_warning

    if not built.new:
        return []
    english_only = settings.embedder == BUILTIN_EMBEDDER
    with knowledge.open_generation(workspace.paths, built.manifest.kb) as generation:
        languages = language_warning(generation.documents(), english_only) if english_only else None
    return [one for one in (languages, length_warning(settings.chunk_tokens, english_only)) if one]


def remember(workspace: Workspace, params: IngestParams, settings: Knowledge) -> None:
    """Write to temper.toml what the parameters changed, just when readers begin to see what it fits."""
    now = Workspace(workspace.root)  # it may have been edited meanwhile
    known = now.config.knowledge.get(params.kb)
    chosen = {key: getattr(settings, key) for key in ("embedder", "chunker") if getattr(params, key)}
    if known is None or not chosen:
        return
    changed = msgspec.structs.replace(known, **chosen)
    if changed != known:
        now.amend("knowledge", params.kb, written(changed))


def settings_of(workspace: Workspace, params: IngestParams) -> Knowledge:
    """What is to be built: parameters, filled up from temper.toml. Raises UsageError for an unknown name."""
    if params.kb in workspace.config.knowledge or not params.sources:
        known = workspace.knowledge(params.kb)
    else:
        known = Knowledge(params.sources)
    return msgspec.structs.replace(
        known,
        sources=params.sources or known.sources,
        embedder=params.embedder or known.embedder or BUILTIN_EMBEDDER,
        chunk_tokens=params.chunk_tokens or known.chunk_tokens,
        chunker=params.chunker or known.chunker,
    )


def tell_skipped(context: JobContext, skipped: dict[str, str]) -> None:
    """Name files that are not in the knowledge base, and why; all of them are in the result."""
    if not skipped:
        return
    lines = [f"{name}: {reason}" for name, reason in list(skipped.items())[:SHOWN_SKIPS]]
    if len(skipped) > SHOWN_SKIPS:
        lines.append(f"and {len(skipped) - SHOWN_SKIPS} more")
    context.notice(f"{len(skipped)} files skipped", "\n".join(lines), warn=True)
