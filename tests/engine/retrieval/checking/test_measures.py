"""Measures of a ranking against what was worked out by hand, and against the harness's definitions."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retrieval.checking.measures import Place, is_right, scores, tokens
from store.records.kb_check import Source

PLACES = st.builds(
    lambda doc, start, length: Place(doc, start, start + length),
    st.sampled_from("ab"),
    st.integers(0, 30),
    st.integers(1, 30),
)


def test_passages_of_one_document_are_one_place_where_documents_are_expected() -> None:
    ranking = [Place("a", 0, 9), Place("a", 9, 20), Place("b", 0, 9), Place("c", 0, 9)]
    found = scores(ranking, [Source("b")], 2, 0)
    assert found == {"recall": 1.0, "mrr": 0.5, "ndcg": 1 / log2(3)}


def test_a_part_is_found_by_the_passage_that_holds_half_of_it() -> None:
    part = Source("a", 10, 30)
    assert is_right(Place("a", 0, 20), part)
    assert not is_right(Place("a", 0, 19), part)
    assert is_right(Place("a", 12, 14), part)  # lies in it
    assert not is_right(Place("b", 10, 30), part)


def test_ranks_count_passages_where_parts_are_expected() -> None:
    ranking = [Place("a", 0, 10), Place("a", 10, 20), Place("a", 20, 30)]
    found = scores(ranking, [Source("a", 10, 20), Source("a", 40, 50)], 2, 2)
    assert (found["recall"], found["mrr"]) == (0.5, 0.5)
    assert found["ndcg"] == pytest.approx((1 / log2(3)) / (1 + 1 / log2(3)))


def test_mrr_looks_beyond_k_and_the_others_do_not() -> None:
    ranking = [Place(name, 0, 5) for name in "abcd"]
    assert scores(ranking, [Source("d")], 2, 0) == {"recall": 0.0, "mrr": 0.25, "ndcg": 0.0}


def test_precision_divides_by_the_lengths_summed_as_the_harness_does() -> None:
    overlapping = [Place("a", 0, 10), Place("a", 5, 15)]
    found = tokens(overlapping, [Source("a", 5, 10), Source("b", 0, 5)])
    assert found == {"token_recall": 0.5, "token_precision": 5 / 20, "token_iou": 5 / 25}


def test_sources_that_overlap_are_counted_once() -> None:
    found = tokens([Place("a", 0, 10)], [Source("a", 0, 8), Source("a", 4, 10)])
    assert found == {"token_recall": 1.0, "token_precision": 1.0, "token_iou": 1.0}


@given(st.lists(PLACES, max_size=6), PLACES, st.integers(1, 6))
def test_every_measure_lies_between_0_and_1(ranking: list[Place], wanted: Place, k: int) -> None:
    distinct = list(dict.fromkeys(ranking))
    source = Source(wanted.doc, wanted.start, wanted.end)
    right = sum(is_right(place, source) for place in distinct)
    found = scores(distinct, [source], k, right)
    assert all(0 <= value <= 1 + 1e-9 for value in found.values())
    assert found["token_iou"] <= min(found["token_recall"], found["token_precision"]) + 1e-9


@given(st.lists(PLACES, min_size=1, max_size=5), st.lists(PLACES, min_size=1, max_size=4))
def test_token_measures_are_those_of_counting_characters_one_by_one(
    places: list[Place], wanted: list[Place]
) -> None:
    def characters(spans: list[Place]) -> set[tuple[str, int]]:
        return {(span.doc, at) for span in spans for at in range(span.start, span.end)}

    asked, common = characters(wanted), characters(wanted) & characters(places)
    given_length = sum(place.end - place.start for place in places)
    found = tokens(places, [Source(one.doc, one.start, one.end) for one in wanted])
    assert found["token_recall"] == len(common) / len(asked)
    assert found["token_precision"] == len(common) / given_length
    assert found["token_iou"] == len(common) / (given_length + len(asked - common))


def test_nothing_found_and_nothing_expected() -> None:
    assert set(scores([], [Source("a", 0, 5)], 5, 1).values()) == {0.0}
    with pytest.raises(ValueError, match="without sources"):
        scores([], [], 5, 0)
