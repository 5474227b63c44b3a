"""The check of citations as a share of sentences; how support is measured is another module's test."""

from __future__ import annotations

import pytest

from engine.evals.checks import Reply
from store.records.evals import Case
from store.records.knowledge import Hit
from store.records.traces import Citation
from tests.engine.evals.checks.stage import judged

PASSAGES = [
    "A withdrawal below 200 euros is free. Above that it costs 2 euros.",
    "Lost cards are frozen in the app under Cards. A new card takes three working days.",
]


def answered(text: str, cited: int = 0, passages: list[str] = PASSAGES) -> Reply:
    """A reply that was given the passages; `cited` is what the whole of it was attributed to."""
    hits = [Hit(f"d{n}.md", 0, len(text), 0.9, text) for n, text in enumerate(passages, start=1)]
    citations = [Citation(cited, "d.md", 0, 1)] if cited else []
    return Reply(text, Case("c", "?"), hits=hits, citations=citations)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("A withdrawal below 200 euros is free [1].", 1),
        ("A withdrawal below 500 euros is free [1].", 0),
        ("A withdrawal below 200 euros is free [2].", 0),
        ("A withdrawal below 200 euros is free [7].", 0),
        ("A withdrawal below 200 euros is free.", 0),
        ("A withdrawal below 200 euros is free [1]. A new card takes 9 working days [2].", 0.5),
        ("A new card takes 3 working days [2].", 1),
        ("Lost cards are frozen in the app [2]. A new card takes three working days [2].", 1),
        ("The documents do not mention shipping to Canada.", 1),
        ("Yes.", 1),
    ],
)
def test_the_score_is_the_share_of_claims_that_what_they_cite_supports(text: str, score: float) -> None:
    assert judged("citation_support", answered(text)).score == score


def test_what_the_whole_answer_was_attributed_to_counts_where_a_sentence_cites_nothing() -> None:
    assert judged("citation_support", answered("A withdrawal below 200 euros is free.", cited=1)).passed
    assert not judged("citation_support", answered("A withdrawal below 200 euros is free.", cited=2)).passed


def test_the_sentence_without_support_is_named_with_the_reason() -> None:
    detail = judged("citation_support", answered("A withdrawal below 500 euros is free [1].")).detail

    assert detail.startswith("1 of 1 unsupported: 'A withdrawal below 500")
    assert "500 does not stand there" in detail
