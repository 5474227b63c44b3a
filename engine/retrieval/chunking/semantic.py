"""Passages cut where the meaning changes: small pieces grouped so that those of a passage are most alike.

The cluster semantic chunker of Smith and Troynikov (Evaluating Chunking Strategies for Retrieval, 2024):
among all ways to cut the sequence of pieces, the one with the greatest sum, over passages, of the pieces'
mutual cosine less the mean cosine of the document. Every piece is embedded once more for it: ingest takes
about twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.retrieval.blocks import Block
from engine.retrieval.chunking.settings import ChunkSettings, Measure, Spans
from engine.retrieval.chunking.splitting import Span, split

PIECE_TOKENS = 50
EMBED_AT_ONCE = 256


def spans(text: str, blocks: list[Block], settings: ChunkSettings, embedder: Measure) -> Spans:
    """The best grouping of pieces of at most 50 tokens into passages of at most `chunk_tokens`."""
    most = settings.chunk_tokens
    fine = max(1, min(PIECE_TOKENS, most))
    pieces = [
        piece
        for block in blocks
        for piece in split(text, block.start, block.end, fine, embedder.count_tokens)
    ]
    if not pieces:
        return []
    vectors = np.concatenate(
        [
            embedder.embed([text[piece.start : piece.end] for piece in pieces[at : at + EMBED_AT_ONCE]])
            for at in range(0, len(pieces), EMBED_AT_ONCE)
        ]
    )
    return [(pieces[first].start, pieces[last].end) for first, last in group(pieces, vectors, most)]


def group(pieces: Sequence[Span], vectors: npt.NDArray[np.float32], most: int) -> list[tuple[int, int]]:
    """First and last piece of each passage of the best grouping, by dynamic programming."""
    usual = _mean_similarity(vectors)
    best = np.zeros(len(pieces) + 1)
    begins = np.zeros(len(pieces), dtype=np.int64)
    for last in range(len(pieces)):
        best[last + 1] = -np.inf
        size, reward = 0, 0.0
        for first in range(last, -1, -1):
            size += pieces[first].size
            if size > most and first < last:
                break
            reward += 2 * float(np.sum(vectors[first + 1 : last + 1] @ vectors[first] - usual))
            if best[first] + reward > best[last + 1]:
                best[last + 1], begins[last] = best[first] + reward, first
    found: list[tuple[int, int]] = []
    last = len(pieces) - 1
    while last >= 0:
        found.append((int(begins[last]), last))
        last = int(begins[last]) - 1
    return found[::-1]


def _mean_similarity(vectors: npt.NDArray[np.float32]) -> float:
    """The mean cosine of two different pieces: from the sum of all vectors, without making all pairs."""
    count = len(vectors)
    if count < 2:
        return 0.0
    total = vectors.sum(axis=0, dtype=np.float64)
    return float((total @ total - np.sum(vectors.astype(np.float64) ** 2)) / (count * (count - 1)))
