"""Passages ranked by four scores: meaning and words, each of the passage and of its whole document.

A document is ranked by its best passage's cosine and BM25, by the cosine of its mean vector and by BM25
over all its words: what a question asks for is often spread over a document. Its passages then follow its
best one at their own distance. Scores are compared as standard scores (z). Arithmetic: knows no index.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


class Weights(msgspec.Struct, frozen=True):
    """How much each score counts. Chosen on half of the real questions: docs/decisions/0020."""

    meaning: float = 1.0
    words: float = 0.5
    document_meaning: float = 1.0
    document_words: float = 0.5


WEIGHTS = Weights()


class Signals(msgspec.Struct):
    """Scores of one question: `meaning` and `words` [passages], `document_meaning` and `document_words`
    [documents]. Words that match nothing score 0."""

    meaning: Scores
    words: Scores
    document_meaning: Scores
    document_words: Scores


class Grouping:
    """Which document each passage belongs to: `of` [passages] are positions of documents in `names`."""

    def __init__(self, docs: list[str]) -> None:
        self.names = list(dict.fromkeys(docs))
        position = {name: at for at, name in enumerate(self.names)}
        self.of = np.array([position[doc] for doc in docs], dtype=np.int64)
        self._order = np.argsort(self.of, kind="stable")
        self._begins = np.searchsorted(self.of[self._order], np.arange(len(self.names)))
        self._in_order = bool(np.all(self._order == np.arange(len(docs))))

    def highest(self, scores: Scores) -> Scores:
        """The highest score of each document's passages [documents]."""
        if not len(self.names):
            return np.zeros(0)
        ordered = scores if self._in_order else scores[self._order]
        return np.maximum.reduceat(ordered, self._begins)

    def mean_vectors(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The mean of each document's vectors, of length 1 [documents, dimension]."""
        if not len(self.names):
            return np.zeros((0, vectors.shape[1]), dtype=np.float32)
        sums = np.add.reduceat(vectors[self._order], self._begins, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        means: npt.NDArray[np.float32] = (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return means


def rank(signals: Signals, grouping: Grouping, weights: Weights = WEIGHTS) -> Scores:
    """The score of every passage [passages]; a document's best passage has its document's score."""
    document = (
        weights.meaning * standard(grouping.highest(signals.meaning))
        + weights.words * standard(grouping.highest(signals.words))
        + weights.document_meaning * standard(signals.document_meaning)
        + weights.document_words * standard(signals.document_words)
    )
    own = weights.meaning * standard(signals.meaning) + weights.words * standard(signals.words)
    scores: Scores = own + (document - grouping.highest(own))[grouping.of]
    return scores


def standard(scores: Scores) -> Scores:
    """Standard scores: how many standard deviations above the mean. All 0 where all are alike."""
    if not len(scores):
        return scores
    spread = scores.std()
    # Equal numbers differ by rounding once their mean is taken.
    return (scores - scores.mean()) / spread if spread > 1e-9 else np.zeros_like(scores)
