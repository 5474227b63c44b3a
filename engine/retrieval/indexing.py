"""The next generation of a knowledge base: read, chunk, embed what is new, write every index, publish.

Does not know of run folders or processes: progress goes to a callback, which may raise to stop, and then
nothing was published; vectors computed so far wait for the next attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from engine.retrieval import readers
from engine.retrieval.chunking import FORMAT as CHUNK_FORMAT
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.contextual import ContextWriter, add_contexts
from engine.retrieval.dense import EXACT_CHUNKS
from engine.retrieval.embedding import (
    Embedded,
    EmbeddingModel,
    Vectors,
    comparable,
    embed_all,
    open_journal,
)
from engine.retrieval.lexical import FORMAT as LEXICAL_FORMAT
from engine.retrieval.lexical import write_indexes
from engine.retrieval.reading import Known, Progress, Reading, read_all
from store import chunk_table, clock, document_table, knowledge, vector_index
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, Manifest

FORMAT = 10_000 * LEXICAL_FORMAT + 100 * readers.FORMAT + CHUNK_FORMAT
"""Of what is stored. Another one means that all files are read and cut anew."""


class IndexSettings(msgspec.Struct, frozen=True):
    """How a knowledge base is built. `embedder_path` is what temper.toml calls the embedder."""

    chunking: ChunkSettings = ChunkSettings()
    query_prefix: str = ""
    document_prefix: str = ""
    embedder_path: str = ""
    chroma: str = ""
    keep: int = knowledge.KEPT
    graph_from: int = EXACT_CHUNKS + 1
    """Passages from which on Chroma's graph is written: below, a search compares with all of them."""


class Built(msgspec.Struct):
    """What an ingest did. `embedded` and `reused` count passages, `cut` those longer than the window.

    `unchanged` are documents that were not read again, `stages` seconds by what they were spent on.
    """

    manifest: Manifest
    embedded: int = 0
    reused: int = 0
    cut: int = 0
    new: bool = True
    unchanged: int = 0
    stages: dict[str, float] = {}


def build_index(
    paths: WorkspacePaths,
    kb: str,
    files: Mapping[str, Path],
    embedder: EmbeddingModel,
    settings: IndexSettings,
    progress: Progress = lambda phase, done, total: None,
    writer: ContextWriter | None = None,
    before_swap: Callable[[], None] = lambda: None,
) -> Built:
    """Publish a generation with `files` (name to path); nothing new is published where nothing changed.

    Call inside `store.knowledge.publishing`. `before_swap` is called just before readers see it. Raises
    UsageError when chunks would be longer than the embedder reads, or when a first generation would have no
    document.
    """
    check_chunk_size(settings.chunking, embedder)
    stages = Stages()
    last = _last(paths, kb)
    known = _known(last, embedder, settings, writer)
    reading = read_all(files, settings.chunking, embedder, known, progress)
    stages.end("read")
    manifest = _manifest(kb, reading, embedder, settings, writer)
    if last is not None and same_content(last.manifest, manifest):
        before_swap()
        return Built(last.manifest, reused=last.manifest.chunks, new=False, unchanged=reading.unchanged)
    if last is None and not reading.documents:
        raise UsageError(
            "No document could be read", listed(reading.skipped), "Name files or folders with documents."
        )
    if writer is not None:
        add_contexts(reading, writer, knowledge.embedded_folder(paths, kb), progress)
        stages.end("context")
    vectors = last.vectors if last and comparable(last.manifest, embedder, settings.document_prefix) else {}
    with open_journal(paths, kb, embedder, settings.document_prefix) as journal:
        embedded = embed_all(reading.chunks, vectors, embedder, settings.document_prefix, journal, progress)
    stages.end("embed")
    published = publish_generation(
        paths, manifest, reading, embedded, settings, progress, stages, before_swap
    )
    return Built(
        published,
        embedded.new,
        embedded.reused,
        embedded.cut,
        unchanged=reading.unchanged,
        stages=stages.seconds,
    )


class Stages:
    """Seconds by stage; each ends where the next begins."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = time.perf_counter()

    def end(self, stage: str) -> None:
        """What was done since the last stage was this one."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._begin, 3)
        self._begin = now


class Last(msgspec.Struct):
    """The published generation, read whole."""

    manifest: Manifest
    known: Known
    vectors: dict[str, Vectors]


def check_chunk_size(chunking: ChunkSettings, embedder: EmbeddingModel) -> None:
    """Raise UsageError when passages would be longer than the embedder reads, or overlap whole."""
    if chunking.chunk_tokens > embedder.window:
        raise UsageError(
            "The passages would be longer than the embedder reads",
            f"chunk_tokens is {chunking.chunk_tokens}, {embedder.path.name} reads {embedder.window} tokens.",
            f"Set chunk_tokens = {embedder.window} or less, or use an embedder with a longer window.",
        )
    if chunking.overlap_tokens >= chunking.chunk_tokens:
        raise UsageError(
            "The passages would overlap whole",
            f"overlap_tokens is {chunking.overlap_tokens}, chunk_tokens {chunking.chunk_tokens}.",
            f"Set overlap_tokens = {chunking.chunk_tokens // 4} or less.",
        )


def same_content(last: Manifest, manifest: Manifest) -> bool:
    """Whether both hold the same passages with the same vectors, in the same place."""
    return msgspec.structs.replace(manifest, generation=last.generation, created=last.created) == last


def listed(skipped: Mapping[str, str], most: int = 5) -> str:
    """Skipped files for people: the first `most` with their reasons, then how many more."""
    if not skipped:
        return "The sources hold no file."
    lines = [f"{name}: {reason}." for name, reason in list(skipped.items())[:most]]
    return "\n".join(lines + ([f"and {len(skipped) - most} more."] if len(skipped) > most else []))


def _last(paths: WorkspacePaths, kb: str) -> Last | None:
    if knowledge.current(paths, kb) is None:
        return None
    with knowledge.open_generation(paths, kb) as generation:
        chunks, vectors = generation.chunks(), generation.vectors()
        known = Known({one.name: one for one in generation.documents()}, {}, generation.manifest.skipped)
    for chunk in chunks:
        known.chunks.setdefault(chunk.doc, []).append(chunk)
    return Last(generation.manifest, known, {chunk.sha256: vectors[at] for at, chunk in enumerate(chunks)})


def _known(
    last: Last | None, embedder: EmbeddingModel, settings: IndexSettings, writer: ContextWriter | None
) -> Known:
    """What can be taken over without reading: where everything that decides on passages is the same."""
    if last is None:
        return Known()
    was = last.manifest
    chunking = settings.chunking
    same = (
        was.format == FORMAT
        and was.embedder_sha256 == embedder.sha256
        and was.context_model == (writer.model_sha256 if writer else "")
        and (was.chunker, was.chunk_tokens, was.overlap_tokens)
        == (chunking.chunker, chunking.chunk_tokens, chunking.overlap_tokens)
    )
    return last.known if same else Known()


def _manifest(
    kb: str,
    reading: Reading,
    embedder: EmbeddingModel,
    settings: IndexSettings,
    writer: ContextWriter | None,
) -> Manifest:
    return Manifest(
        kb=kb,
        generation=0,
        created=clock.stamp(),
        documents=len(reading.documents),
        chunks=len(reading.chunks),
        dimension=embedder.dimension,
        embedder=embedder.path.name,
        embedder_sha256=embedder.sha256,
        chunk_tokens=settings.chunking.chunk_tokens,
        doc_sha256={one.name: one.sha256 for one in reading.documents},
        skipped=reading.skipped,
        format=FORMAT,
        chunker=settings.chunking.chunker,
        overlap_tokens=settings.chunking.overlap_tokens,
        context_model=writer.model_sha256 if writer else "",
        embedder_path=settings.embedder_path,
        pooling=embedder.pooling,
        window=embedder.window,
        query_prefix=settings.query_prefix,
        document_prefix=settings.document_prefix,
        chroma=settings.chroma,
    )


def publish_generation(
    paths: WorkspacePaths,
    manifest: Manifest,
    reading: Reading,
    embedded: Embedded,
    settings: IndexSettings,
    progress: Progress,
    stages: Stages,
    before_swap: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write tables and indexes of what was read and embedded, and make it the published generation."""
    kb = manifest.kb
    chunks = reading.chunks

    def write(folder: Path, number: int) -> Manifest:
        progress("publish", 0, 4)
        chunk_table.write(folder, chunks, embedded.vectors)
        document_table.write(folder, reading.documents)
        stages.end("tables")
        progress("publish", 1, 4)
        _write_vectors(paths, kb, folder, number, chunks, embedded.vectors, settings)
        stages.end("chroma")
        progress("publish", 2, 4)
        write_indexes(folder / knowledge.LEXICAL, chunks)
        stages.end("lexical")
        progress("publish", 3, 4)
        manifest.generation = number
        return manifest

    published = knowledge.publish(paths, kb, write, settings.keep, before_swap)
    if settings.chroma:
        _clear_server(paths, kb, settings.chroma)
    stages.end("swap")
    progress("publish", 4, 4)
    return published


def _write_vectors(
    paths: WorkspacePaths,
    kb: str,
    folder: Path,
    number: int,
    chunks: Sequence[Chunk],
    vectors: Vectors,
    settings: IndexSettings,
) -> None:
    ids = [chunk.id for chunk in chunks]
    metadata = [{"doc": chunk.doc} for chunk in chunks]
    if settings.chroma:
        name = knowledge.collection_name(paths.knowledge / kb, number)
        vector_index.write_to_server(settings.chroma, name, ids, vectors, metadata)
    elif len(chunks) >= settings.graph_from:
        vector_index.write(folder, ids, vectors, metadata)


def _clear_server(paths: WorkspacePaths, kb: str, chroma: str) -> None:
    """Remove from the server what belongs to generations that are gone."""
    base = paths.knowledge / kb
    kept = [knowledge.collection_name(base, number) for number in knowledge.generations(paths, kb)]
    vector_index.remove_from_server(chroma, knowledge.collection_prefix(base), kept)
