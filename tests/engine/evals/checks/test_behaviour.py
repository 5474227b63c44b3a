"""Lengths, budgets, retrieval: what an answer did rather than what it said."""

from __future__ import annotations

from typing import Any

import pytest

from engine.evals.checks import Reply
from store.records.evals import Case
from store.records.knowledge import Hit
from tests.engine.evals.checks.stage import judged


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        ({"max": 3}, True),
        ({"max": 2}, False),
        ({"min": 4}, False),
        ({"min": 1, "max": 14, "unit": "characters"}, True),
        ({"max": 1, "unit": "sentences"}, False),
        ({"max": 1, "unit": "lines"}, True),
    ],
)
def test_length_is_counted_in_the_unit_that_is_asked_for(options: dict[str, Any], passed: bool) -> None:
    assert judged("length", "Yes. It works.", **options).passed is passed


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("length", {}, "needs `min` or `max`"),
        ("length", {"min": 5, "max": 2}, "`max` 2 is below `min` 5"),
        ("latency", {}, "latency needs `max_ms`"),
        ("tokens", {}, "tokens needs"),
        ("length", {"min": -1, "max": 5}, "`min` is -1"),
        ("latency", {"max_ms": float("nan")}, "milliseconds above 0"),
        ("tokens", {"max": 0}, "`max` is 0"),
        ("retrieval_recall", {"k": 0}, "`k` is 0"),
        ("json_fields", {"tolerance": -1.0}, "`tolerance` is -1.0"),
        ("python", {"function": "a.py:f", "seconds": 0.0}, "`seconds` is 0.0"),
        ("refusal", {"phrases": ["(a"]}, "is not a pattern"),
    ],
)
def test_a_budget_without_a_bound_is_refused(kind: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        judged(kind, "", **options)


def test_budgets_of_time_and_tokens() -> None:
    reply = Reply("a", Case("c", "?"), latency_ms=250, prompt_tokens=90, completion_tokens=12)

    assert judged("latency", reply, max_ms=250).passed
    assert judged("latency", reply, max_ms=200).detail == "250 ms"
    assert judged("tokens", reply, max=12, max_prompt=90).passed
    assert not judged("tokens", reply, max=11).passed
    assert not judged("tokens", reply, max_prompt=89).passed


def asked(*sources: str) -> Reply:
    """A reply that was given two passages."""
    hits = [Hit("docs/faq.md", 0, 100, 0.9, "..."), Hit("terms.md", 200, 300, 0.5, "...")]
    return Reply("a", Case("c", "?", expected_sources=list(sources)), hits=hits)


@pytest.mark.parametrize(
    ("sources", "score"),
    [
        (["docs/faq.md"], 1),
        (["faq.md"], 1),
        (["q.md"], 0),
        (["faq.md", "other.md"], 0.5),
        (["terms.md:250-260"], 1),
        (["terms.md:300-400"], 0),
    ],
)
def test_recall_is_the_share_of_expected_sources_among_the_passages(sources: list[str], score: float) -> None:
    assert judged("retrieval_recall", asked(*sources)).score == score


def test_recall_may_look_at_the_first_passages_alone() -> None:
    assert judged("retrieval_recall", asked("terms.md"), k=1).detail == "not among the 1 passages: terms.md"


def test_recall_without_expected_sources_is_an_error_of_the_case() -> None:
    assert "expected_sources" in judged("retrieval_recall", asked()).error
