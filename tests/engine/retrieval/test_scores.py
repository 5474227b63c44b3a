"""Scores of a question as one order of passages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retrieval.ranking import Grouping, Signals, Weights, rank, scaled, sections
from store.records.knowledge import Chunk

TWO_SECTIONS = Grouping([0, 0, 1, 1])


def signals(meaning: list[float], words: list[float], section_words: list[float]) -> Signals:
    return Signals(np.array(meaning), np.array(words), np.array(section_words))


def order(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    return [int(at) for at in np.argsort(-scores, kind="stable")]


def passage(doc: str, length: int) -> Chunk:
    return Chunk(f"{doc}:{length}", doc, 0, length, "x" * length)


def test_with_one_section_the_passages_decide() -> None:
    found = rank(signals([0.1, 0.9, 0.4], [0.0] * 3, [2.0]), Grouping([0, 0, 0]))
    assert order(found) == [1, 2, 0]


def test_of_two_sections_with_equal_best_passages_the_one_with_a_second_comes_first() -> None:
    found = rank(signals([0.9, 0.1, 0.9, 0.8], [0.0] * 4, [0.0, 0.0]), TWO_SECTIONS)
    assert order(found)[0] == 2


def test_the_words_of_a_section_count_for_its_best_passage() -> None:
    found = rank(signals([0.5, 0.4, 0.5, 0.4], [0.0] * 4, [0.0, 3.0]), TWO_SECTIONS)
    assert order(found)[0] == 2


def test_within_a_section_a_passage_with_the_words_comes_before_one_of_equal_meaning() -> None:
    found = rank(signals([0.5, 0.5, 0.1, 0.1], [0.0, 2.0, 0.0, 0.0], [1.0, 0.0]), TWO_SECTIONS)
    assert order(found)[:2] == [1, 0]


def test_the_best_passage_of_a_section_has_its_score_whatever_the_others_say() -> None:
    given = signals([0.9, 0.3, 0.5, 0.1], [0.0, 3.0, 0.0, 0.0], [1.0, 0.0])
    best = TWO_SECTIONS.highest(rank(given, TWO_SECTIONS, Weights(1, 0, 0.5)))
    assert best == pytest.approx(scaled(np.array([0.9, 0.5])) + 0.5 * scaled(np.array([1.0, 0.0])))


def test_a_passage_alone_has_no_second() -> None:
    first, second = Grouping(["a", "b", "b"]).two_highest(np.array([0.7, 0.2, 0.2]))
    assert list(first) == [0.7, 0.2]
    assert list(second) == [0.0, 0.2]


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-1, 1)), min_size=1, max_size=30))
def test_the_two_highest_are_those_that_sorting_finds(pairs: list[tuple[int, float]]) -> None:
    grouping = Grouping([group for group, _ in pairs])
    first, second = grouping.two_highest(np.array([score for _, score in pairs]))
    for at, name in enumerate(grouping.names):
        scores = sorted((score for group, score in pairs if group == name), reverse=True)
        assert first[at] == scores[0]
        assert second[at] == (scores[1] if len(scores) > 1 else 0.0)


def test_sections_hold_neighbours_of_one_document_up_to_a_length() -> None:
    chunks = [passage("a", 400), passage("a", 500), passage("a", 200), passage("b", 100), passage("b", 2000)]
    assert sections(chunks, most=1000) == [0, 0, 1, 2, 3]


def test_without_passages_there_is_nothing_to_rank() -> None:
    assert sections([]) == []
    assert len(rank(signals([], [], []), Grouping([]))) == 0
