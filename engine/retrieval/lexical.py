"""Ranking passages by the words they share with a query: Okapi BM25 over stems, in bm25s.

BM25 as Robertson and Zaragoza give it (The Probabilistic Relevance Framework, 2009), with Lucene's idf. The
index is kept as arrays and JSON, never pickle. Does not know what the passages are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

from engine.retrieval.words import terms


def write_index(folder: Path, texts: Sequence[str]) -> None:
    """Index `texts` into `folder`, which stays empty when they have no words."""
    folder.mkdir()
    words = [terms(text) for text in texts]
    if any(words):
        index = bm25s.BM25()
        index.index(words, show_progress=False)
        index.save(folder, allow_pickle=False, show_progress=False)


class LexicalIndex:
    """An index opened to search, its arrays mapped rather than read."""

    def __init__(self, folder: Path) -> None:
        self._index = None
        if any(folder.iterdir()):
            self._index = bm25s.BM25.load(folder, mmap=True, allow_pickle=False)

    def best(self, query: str, count: int) -> list[tuple[int, float]]:
        """Positions and scores of the `count` best passages, best first; only those that share a word."""
        words = sorted(set(terms(query)))
        if self._index is None or not words:
            return []
        scores: npt.NDArray[np.float32] = self._index.get_scores(words)
        order = np.lexsort((np.arange(len(scores)), -scores))[:count]
        return [(int(at), float(scores[at])) for at in order if scores[at] > 0]
