"""Ranking texts by the words they share with a query: Okapi BM25 over stems, in bm25s.

BM25 as Robertson and Zaragoza give it (The Probabilistic Relevance Framework, 2009), with Lucene's idf. The
index is kept as arrays and JSON, never pickle. Does not know what the texts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

from engine.retrieval.chunking import searched_text
from engine.retrieval.ranking import sections
from engine.retrieval.words import terms
from store.records.knowledge import Chunk

FORMAT = 3
"""Counts up when the same passages would be indexed otherwise: then a refresh makes the index anew."""
PASSAGES = "passages"
SECTIONS = "sections"


def write_indexes(folder: Path, chunks: Sequence[Chunk]) -> None:
    """Index passages and the sections that they make up into `folder`.

    A section has its passages' own words and its document's title once: repeated above each passage, they
    would count for more than what is said.
    """
    folder.mkdir()
    passages: list[list[str]] = []
    whole: dict[int, list[str]] = {}
    for chunk, section in zip(chunks, sections(chunks), strict=True):
        own = terms(chunk.text)  # once for both: this is what takes the time
        passages.append(terms(searched_text(chunk).removesuffix(chunk.text)) + own)
        whole.setdefault(section, terms(chunk.title)).extend(own)
    _write(folder / PASSAGES, passages)
    _write(folder / SECTIONS, list(whole.values()))


def write_index(folder: Path, texts: Sequence[str]) -> None:
    """Index `texts` into `folder`, which stays empty when they have no words."""
    _write(folder, [terms(text) for text in texts])


class LexicalIndex:
    """An index opened to search, its arrays mapped rather than read; without its folder it finds nothing."""

    def __init__(self, folder: Path) -> None:
        self._index = None
        if folder.is_dir() and any(folder.iterdir()):
            self._index = bm25s.BM25.load(folder, mmap=True, allow_pickle=False)

    def best(self, query: str, count: int) -> list[tuple[int, float]]:
        """Positions and scores of the `count` best texts, best first; only those that share a word."""
        found = self.scores(query)
        if found is None:
            return []
        order = np.lexsort((np.arange(len(found)), -found))[:count]
        return [(int(at), float(found[at])) for at in order if found[at] > 0]

    def scores(self, query: str) -> npt.NDArray[np.float32] | None:
        """The score of every text, 0 for one that shares no word; None for a query without known words."""
        if self._index is None:
            return None
        known = self._index.vocab_dict
        words = [word for word in sorted(set(terms(query))) if word in known]
        if not words:
            return None
        found: npt.NDArray[np.float32] = self._index.get_scores(words)
        return found


def _write(folder: Path, words: list[list[str]]) -> None:
    folder.mkdir()
    if any(words):
        index = bm25s.BM25()
        index.index(words, show_progress=False)
        index.save(folder, allow_pickle=False, show_progress=False)
