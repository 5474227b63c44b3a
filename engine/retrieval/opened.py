"""One generation with its indexes in memory, and what each of them says of a question.

Does not know how scores become an order (ranking.py), nor what is done with it (stages.py).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.retrieval.chunking.settings import Measure
from engine.retrieval.dense import DenseIndex, Vectors, open_dense
from engine.retrieval.filters import allowed, check_options
from engine.retrieval.lexical import PASSAGES, SECTIONS, LexicalIndex
from engine.retrieval.ranking import Grouping, Scores, Signals, sections
from store import knowledge
from store.knowledge import Generation
from store.records.knowledge import Chunk, DocumentRecord, Hit, SearchOptions

NEAREST = 500
"""Passages that a graph is asked for, where there are too many to compare with all."""


MOST_FILTERS = 64
"""Filters whose documents are remembered: deciding anew takes longer than a search."""

Narrowed = tuple[npt.NDArray[np.int64], str]
"""Places of the passages that pass a filter, and what was left out for which reason."""


class Opened:
    """A generation opened to search. Close it."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.manifest = generation.manifest
        self.chunks = generation.chunks()
        self.grouping = Grouping([chunk.doc for chunk in self.chunks])
        self.sections = Grouping(sections(self.chunks))
        folder = generation.folder / knowledge.LEXICAL
        self.words = LexicalIndex(folder / PASSAGES)
        self.section_words = LexicalIndex(folder / SECTIONS)
        self.dense: DenseIndex = open_dense(generation, [chunk.id for chunk in self.chunks])
        self.vectors: Vectors = generation.vectors()
        self.may_answer: dict[object, Narrowed] = {}

    @cached_property
    def documents(self) -> list[DocumentRecord]:
        """The documents that have passages, in the order of their first."""
        known = {document.name: document for document in self.generation.documents()}
        names = dict.fromkeys(chunk.doc for chunk in self.chunks)
        return [known.get(name) or DocumentRecord(name, "") for name in names]

    @cached_property
    def of_document(self) -> dict[str, list[Chunk]]:
        """The passages of each document, in their order."""
        found: dict[str, list[Chunk]] = {}
        for chunk in self.chunks:
            found.setdefault(chunk.doc, []).append(chunk)
        return found

    def signals(self, query: str, embedder: Measure, meant: str = "") -> Signals:
        """What the indexes say of `query`; `meant` is embedded in its place. All 0 without text."""
        passages, count = len(self.chunks), len(self.sections.names)
        if not (meant or query).strip():
            return Signals(np.zeros(passages), np.zeros(passages), np.zeros(count))
        vector = embedder.embed([self.manifest.query_prefix + (meant or query)])[0]
        return Signals(
            self.dense.scores(vector, NEAREST).astype(np.float64),
            _or_zeros(self.words.scores(query), passages),
            _or_zeros(self.section_words.scores(query), count),
        )

    def narrowed(self, options: SearchOptions) -> Narrowed | None:
        """The passages that may answer; None where nothing is filtered. Raises UsageError for a bad date."""
        check_options(options)
        key = (options.tags, options.paths, options.as_of, options.since)
        if not any(key):
            return None
        if key not in self.may_answer:
            may, told = allowed(self.documents, options)
            if len(self.may_answer) >= MOST_FILTERS:
                self.may_answer.clear()
            self.may_answer[key] = (np.flatnonzero(may[self.grouping.of]), told)
        return self.may_answer[key]

    def hit(self, at: int, score: float, signals: Signals) -> Hit:
        """Passage `at` as it is shown."""
        chunk = self.chunks[at]
        scores = {"meaning": float(signals.meaning[at]), "words": float(signals.words[at])}
        date = self.documents[int(self.grouping.of[at])].date
        return Hit(chunk.doc, chunk.start, chunk.end, score, chunk.text, chunk.title, chunk.id, date, scores)

    def close(self) -> None:
        """Let go of the generation."""
        self.dense.close()
        self.generation.close()


def _or_zeros(scores: np.ndarray[tuple[int], np.dtype[np.float32]] | None, count: int) -> Scores:
    return np.zeros(count) if scores is None else scores.astype(np.float64)
