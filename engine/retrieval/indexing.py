"""The next generation of a knowledge base: read, chunk, embed what is new, write every index.

Vectors of unchanged passages come from the last generation. Does not know of run folders or processes:
progress goes to a callback, which may raise to stop, and then nothing was published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from engine.retrieval.chunking import FORMAT, searched_text
from engine.retrieval.chunking import chunks as cut
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.lexical import write_index
from engine.retrieval.readers import Unreadable, read_document
from store import chunk_table, clock, knowledge, vector_index
from store.errors import UsageError
from store.hashing import sha256_of_text
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, Manifest

EMBED_AT_ONCE = 16
"""Passages between two looks at whether to stop."""

Vectors = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""Told the phase, how much is done and how much there is."""


class EmbeddingModel(Protocol):
    """What makes vectors of texts."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def sha256(self) -> str:
        """Which one it is."""

    @property
    def dimension(self) -> int:
        """Length of its vectors."""

    @property
    def window(self) -> int:
        """Most tokens it reads of a text."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""

    def embed(self, texts: Sequence[str], cut: list[int] | None = None) -> Vectors:
        """Vectors of length 1 [texts, dimension]; indexes of texts that were cut are added to `cut`."""


class Built(msgspec.Struct):
    """What an ingest did. `embedded` and `reused` count passages, `cut` those longer than the window."""

    manifest: Manifest
    embedded: int = 0
    reused: int = 0
    cut: int = 0
    new: bool = True


def build_index(
    paths: WorkspacePaths,
    kb: str,
    files: Mapping[str, Path],
    embedder: EmbeddingModel,
    chunk_tokens: int,
    progress: Progress = lambda phase, done, total: None,
) -> Built:
    """Publish a generation with `files` (name to path); nothing new is published where nothing changed.

    Call inside `store.knowledge.publishing`. Raises UsageError when `chunk_tokens` is more than the embedder
    reads, or when a first generation would have no document.
    """
    if chunk_tokens > embedder.window:
        raise UsageError(
            "The passages would be longer than the embedder reads",
            f"chunk_tokens is {chunk_tokens}, {embedder.path.name} reads {embedder.window} tokens.",
            f"Set chunk_tokens = {embedder.window} or less, or use an embedder with a longer window.",
        )
    chunks, manifest = read_all(kb, files, embedder, chunk_tokens, progress)
    last, known = last_generation(paths, kb, embedder.sha256)
    if last is not None and same_content(last, manifest):
        return Built(last, reused=last.chunks, new=False)
    if last is None and not manifest.documents:
        raise UsageError(
            "No document could be read", listed(manifest.skipped), "Name files or folders with documents."
        )
    vectors, built = embed_new(chunks, known, embedder, progress, manifest)

    def write(folder: Path, number: int) -> Manifest:
        progress("publish", 0, 3)
        chunk_table.write(folder, chunks, vectors)
        progress("publish", 1, 3)
        vector_index.write(
            folder, [chunk.id for chunk in chunks], vectors, [{"doc": chunk.doc} for chunk in chunks]
        )
        progress("publish", 2, 3)
        write_index(folder / knowledge.LEXICAL, [searched_text(chunk) for chunk in chunks])
        progress("publish", 3, 3)
        manifest.generation = number
        return manifest

    built.manifest = knowledge.publish(paths, kb, write)
    return built


def read_all(
    kb: str, files: Mapping[str, Path], embedder: EmbeddingModel, chunk_tokens: int, progress: Progress
) -> tuple[list[Chunk], Manifest]:
    """All passages of all files that can be read, and the manifest that fits them (its generation is 0)."""
    chunks: list[Chunk] = []
    hashes: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for done, (name, path) in enumerate(files.items()):
        progress("read", done, len(files))
        try:
            document = read_document(name, path)
        except Unreadable as reason:
            skipped[name] = str(reason)
            continue
        hashes[name] = sha256_of_text(document.text)
        chunks += cut(document, ChunkSettings(chunk_tokens=chunk_tokens), embedder)
    progress("read", len(files), len(files))
    manifest = Manifest(
        kb=kb,
        generation=0,
        created=clock.stamp(),
        documents=len(hashes),
        chunks=len(chunks),
        dimension=embedder.dimension,
        embedder=embedder.path.name,
        embedder_sha256=embedder.sha256,
        chunk_tokens=chunk_tokens,
        doc_sha256=hashes,
        skipped=skipped,
        format=FORMAT,
    )
    return chunks, manifest


def last_generation(
    paths: WorkspacePaths, kb: str, embedder_sha256: str
) -> tuple[Manifest | None, dict[str, Vectors]]:
    """The published manifest, and its vectors by content hash where this embedder made them."""
    if knowledge.current(paths, kb) is None:
        return None, {}
    with knowledge.open_generation(paths, kb) as generation:
        if generation.manifest.embedder_sha256 != embedder_sha256:
            return generation.manifest, {}
        vectors = generation.vectors()
        return generation.manifest, {
            chunk.sha256: vectors[at] for at, chunk in enumerate(generation.chunks())
        }


def same_content(last: Manifest, manifest: Manifest) -> bool:
    """Whether both hold the same passages with the same vectors."""
    return msgspec.structs.replace(manifest, generation=last.generation, created=last.created) == last


def embed_new(
    chunks: list[Chunk],
    known: dict[str, Vectors],
    embedder: EmbeddingModel,
    progress: Progress,
    manifest: Manifest,
) -> tuple[Vectors, Built]:
    """Vectors [chunks, dimension]: known ones taken over, each new text embedded once."""
    new = {chunk.sha256: searched_text(chunk) for chunk in chunks if chunk.sha256 not in known}
    hashes, texts = list(new), list(new.values())
    cut: list[int] = []
    vectors = dict(known)
    for at in range(0, len(texts), EMBED_AT_ONCE):
        progress("embed", at, len(texts))
        made = embedder.embed(texts[at : at + EMBED_AT_ONCE], cut)
        vectors.update(zip(hashes[at : at + EMBED_AT_ONCE], made, strict=True))
    progress("embed", len(texts), len(texts))
    table = np.array([vectors[chunk.sha256] for chunk in chunks], dtype=np.float32)
    reused = sum(chunk.sha256 in known for chunk in chunks)
    built = Built(manifest, embedded=len(texts), reused=reused, cut=len(cut))
    return table.reshape(-1, embedder.dimension), built


def listed(skipped: Mapping[str, str], most: int = 5) -> str:
    """Skipped files for people: the first `most` with their reasons, then how many more."""
    if not skipped:
        return "The sources hold no file."
    lines = [f"{name}: {reason}." for name, reason in list(skipped.items())[:most]]
    return "\n".join(lines + ([f"and {len(skipped) - most} more."] if len(skipped) > most else []))
