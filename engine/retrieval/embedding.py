"""Vectors of passages: those known taken over, each new text embedded once and written down at once.

Does not know where passages come from, nor how generations are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from engine.retrieval.chunking import searched_text
from engine.retrieval.reading import Progress
from store import knowledge
from store.hashing import sha256_of_text
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, Manifest
from store.vector_journal import VectorJournal

EMBED_AT_ONCE = 64
"""Passages between two looks at whether to stop, and lost at most when the process is killed."""

Vectors = npt.NDArray[np.float32]


class EmbeddingModel(Protocol):
    """What makes vectors of texts."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def sha256(self) -> str:
        """Which one it is."""

    @property
    def pooling(self) -> str:
        """How one vector is made of those of all tokens."""

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


class Embedded(msgspec.Struct):
    """`vectors` [chunks, dimension]. `new`, `reused` and `cut` (longer than the window) count passages."""

    vectors: Vectors
    new: int = 0
    reused: int = 0
    cut: int = 0


def embed_all(
    chunks: Sequence[Chunk],
    known: Mapping[str, Vectors],
    embedder: EmbeddingModel,
    prefix: str,
    journal: VectorJournal,
    progress: Progress,
) -> Embedded:
    """The vectors of `chunks`; `known` ones, by content hash, and those of the journal are not made again."""
    vectors = dict(known) | journal.known()
    new = {chunk.sha256: searched_text(chunk) for chunk in chunks if chunk.sha256 not in vectors}
    reused = sum(chunk.sha256 in vectors for chunk in chunks)
    hashes, texts = list(new), [prefix + text for text in new.values()]
    cut: list[int] = []
    for at in range(0, len(texts), EMBED_AT_ONCE):
        progress("embed", at, len(texts))
        part = slice(at, at + EMBED_AT_ONCE)
        made = embedder.embed(texts[part], cut)
        journal.append(hashes[part], made)
        vectors.update(zip(hashes[part], made, strict=True))
    progress("embed", len(texts), len(texts))
    table = np.empty((len(chunks), embedder.dimension), dtype=np.float32)
    for row, chunk in enumerate(chunks):
        table[row] = vectors[chunk.sha256]
    return Embedded(table, len(texts), reused, len(cut))


def open_journal(paths: WorkspacePaths, kb: str, embedder: EmbeddingModel, prefix: str) -> VectorJournal:
    """Where vectors by this embedder are written down for the generation to come."""
    key = sha256_of_text(f"{embedder.sha256}\n{embedder.pooling}\n{prefix}")[:16]
    return VectorJournal(knowledge.embedded_folder(paths, kb) / f"{key}.vectors", embedder.dimension)


def comparable(manifest: Manifest, embedder: EmbeddingModel, prefix: str) -> bool:
    """Whether a generation's vectors are what this embedder would make of the same texts."""
    # generations of an earlier version say nothing of pooling: there was only the file's own
    return (
        manifest.embedder_sha256 == embedder.sha256
        and manifest.pooling in ("", embedder.pooling)
        and manifest.document_prefix == prefix
    )
