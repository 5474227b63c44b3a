"""Four scores of a question as one order of passages."""

from __future__ import annotations

import numpy as np
import pytest

from engine.retrieval.ranking import Grouping, Signals, Weights, rank, standard

DOCS = ["a", "a", "b", "c"]


def signals(**given: list[float]) -> Signals:
    nothing = {
        "meaning": [0.0] * 4,
        "words": [0.0] * 4,
        "document_meaning": [0.0] * 3,
        "document_words": [0.0] * 3,
    }
    return Signals(**{name: np.array(values) for name, values in (nothing | given).items()})


def order(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    return [int(at) for at in np.argsort(-scores, kind="stable")]


def test_with_one_document_the_passages_decide() -> None:
    scores = rank(
        Signals(np.array([0.1, 0.9, 0.4]), np.zeros(3), np.array([0.5]), np.array([2.0])), Grouping(["a"] * 3)
    )
    assert order(scores) == [1, 2, 0]


def test_what_a_whole_document_says_puts_its_best_passage_first() -> None:
    given = signals(meaning=[0.5, 0.2, 0.5, 0.5], document_words=[0.0, 0.0, 3.0])
    assert order(rank(given, Grouping(DOCS)))[0] == 3


def test_a_document_ranks_by_its_best_passage_whatever_the_others_say() -> None:
    given = signals(meaning=[0.9, -0.9, 0.5, 0.1], words=[0.0, 3.0, 0.0, 0.0])
    grouping = Grouping(DOCS)
    best = grouping.highest(rank(given, grouping))
    document = standard(np.array([0.9, 0.5, 0.1])) + 0.5 * standard(np.array([3.0, 0.0, 0.0]))
    assert best == pytest.approx(document)


def test_a_weight_of_nothing_leaves_a_score_out() -> None:
    given = signals(meaning=[0.1, 0.2, 0.3, 0.4], words=[9.0, 0.0, 0.0, 0.0])
    assert order(rank(given, Grouping(DOCS), Weights(1, 0, 0, 0))) == [3, 2, 1, 0]


def test_passages_need_not_stand_by_document() -> None:
    grouping = Grouping(["a", "b", "a"])
    assert list(grouping.highest(np.array([1.0, 5.0, 2.0]))) == [2.0, 5.0]
    vectors = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    assert grouping.mean_vectors(vectors) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 1]]))


def test_without_passages_there_is_nothing_to_rank() -> None:
    empty = np.zeros(0)
    assert len(rank(Signals(empty, empty, empty, empty), Grouping([]))) == 0
