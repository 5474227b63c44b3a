"""Passages ranked by meaning and words, each of the passage and of the section around it.

What a question asks for is often spread over a document: the section in which several passages are near to
it, and which has its words, comes first, and its passages follow its best one at their own distance. A
section is a run of neighbouring passages of one document; a document of usual length is one. Arithmetic:
knows no index.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from store.records.knowledge import Chunk

Scores = npt.NDArray[np.float64]

SECTION_CHARACTERS = 6000
"""Most characters of a section: longer ones say too many things. Measured from 3,000 to whole documents."""


class Weights(msgspec.Struct, frozen=True):
    """How much each score counts. Chosen on half of the real questions: docs/decisions/0020.

    `meaning`: of a section's best passage, and `support` of it again for its second best; `words`: of the
    section as a whole. `passage`: how far a passage falls behind its section's best one, judged by its own
    meaning and words.
    """

    meaning: float = 0.6
    support: float = 0.75
    words: float = 0.4
    passage: float = 0.5


WEIGHTS = Weights()


class Signals(msgspec.Struct):
    """Scores of one question: `meaning` (cosine) and `words` (BM25) of passages, BM25 of sections.

    Words that match nothing score 0.
    """

    meaning: Scores
    words: Scores
    section_words: Scores


class Grouping:
    """Which group each passage belongs to: `of` [passages] are positions of groups in `names`."""

    def __init__(self, groups: Sequence[Hashable]) -> None:
        self.names = list(dict.fromkeys(groups))
        position = {name: at for at, name in enumerate(self.names)}
        self.of = np.array([position[group] for group in groups], dtype=np.int64)
        self._order = np.argsort(self.of, kind="stable")
        self._begins = np.searchsorted(self.of[self._order], np.arange(len(self.names)))
        self._in_order = bool(np.all(self._order == np.arange(len(groups))))

    def highest(self, scores: Scores) -> Scores:
        """The highest score of each group's passages [groups]."""
        return self._reduced(scores if self._in_order else scores[self._order])

    def two_highest(self, scores: Scores) -> tuple[Scores, Scores]:
        """The highest and the second highest of each group [groups], 0 where there is no second."""
        ordered = scores.copy() if self._in_order else scores[self._order]
        first = self._reduced(ordered)
        groups = self.of[self._order]
        at_first = np.flatnonzero(ordered == first[groups]) if len(ordered) else np.zeros(0, dtype=np.int64)
        _, once = np.unique(groups[at_first], return_index=True)
        ordered[at_first[once]] = -np.inf
        second = self._reduced(ordered)
        return first, np.where(np.isfinite(second), second, 0.0)

    def _reduced(self, ordered: Scores) -> Scores:
        return np.maximum.reduceat(ordered, self._begins) if len(self.names) else np.zeros(0)


def sections(chunks: Sequence[Chunk], most: int = SECTION_CHARACTERS) -> list[int]:
    """The number of the section of each passage: neighbours of one document up to `most` characters."""
    found: list[int] = []
    number, doc, size = -1, "", 0
    for chunk in chunks:
        length = len(chunk.text)
        if chunk.doc != doc or number < 0 or size + length > most:
            number, doc, size = number + 1, chunk.doc, 0
        size += length
        found.append(number)
    return found


def rank(signals: Signals, grouping: Grouping, weights: Weights = WEIGHTS) -> Scores:
    """The score of every passage [passages]; a section's best passage has its section's score.

    `grouping` is that of passages into sections. Scores are compared on their range from 0 to 1.
    """
    best, second = grouping.two_highest(signals.meaning)
    section = weights.meaning * scaled(best + weights.support * second) + weights.words * scaled(
        signals.section_words
    )
    own = scaled(signals.meaning) / 2 + scaled(signals.words) / 2
    behind = own - grouping.highest(own)[grouping.of]
    scores: Scores = section[grouping.of] + weights.passage * behind
    return scores


def scaled(scores: Scores) -> Scores:
    """Scores from 0 for the lowest to 1 for the highest. All 0 where all are alike."""
    if not len(scores):
        return scores
    low, high = scores.min(), scores.max()
    # Equal numbers may differ by rounding.
    return (scores - low) / (high - low) if high - low > 1e-9 else np.zeros_like(scores)
