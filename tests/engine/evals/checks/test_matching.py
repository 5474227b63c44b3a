"""Texts against texts: what counts as the same."""

from __future__ import annotations

from typing import Any

import pytest

from engine.evals.checks import patterns, same_json
from tests.engine.evals.checks.stage import judged


@pytest.mark.parametrize(
    ("answer", "expected", "passed"),
    [
        ("lost", "lost", True),
        ("  lost\n", "lost", True),
        ("Lost", "lost", False),
        ("lost card", "lost", False),
        ('{"b": [1, 2], "a": true}', '{"a": true, "b": [1.0, 2]}', True),
        ('{"a": true}', '{"a": 1}', False),
        ('{"b": [2, 1]}', '{"b": [1, 2]}', False),
        ('{"a": 1, "b": 2}', '{"a": 1}', False),
        ('{"a": 1, "a": 1}', '{"a": 1}', False),
        ("1.0", "1", False),
        pytest.param("[" * 5000 + "]" * 5000, "[]", False, id="deep"),
    ],
)
def test_exact_wants_the_same_text_or_the_same_json_object(answer: str, expected: str, passed: bool) -> None:
    assert judged("exact", answer, expected).passed is passed


def test_an_exact_check_that_fails_says_what_was_expected() -> None:
    result = judged("exact", "lost", "refund")

    assert (result.score, result.detail) == (0.0, "expected 'refund'")


def test_a_value_of_its_own_goes_before_what_the_case_expects() -> None:
    assert judged("exact", "lost", "refund", value="lost").passed
    assert not judged("contains", "a refund", "refund", value="lost").passed


def test_any_of_several_right_answers_will_do() -> None:
    assert judged("exact", "NYC", "New York", alternatives=["NYC"]).passed
    assert judged("contains", "in NYC", "New York", alternatives=["NYC"]).passed
    assert not judged("exact", "Boston", "New York", alternatives=["NYC"]).passed


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("Let us see. So the answer is (B).", True),
        ("The answer is (A). No: the answer is (B)", True),
        ("(B)", True),
        ("So the answer is (B) or so.", False),
    ],
)
def test_what_stands_behind_a_marker_is_the_answer(answer: str, passed: bool) -> None:
    assert judged("exact", answer, "(B)", after="answer is").passed is passed


@pytest.mark.parametrize(
    ("answer", "expected", "options", "passed"),
    [
        ("  New   York! ", "new york", {}, True),
        ("ﬁne", "fine", {}, True),
        ("STRASSE", "straße", {}, True),
        ("café", "cafe", {}, False),
        ("café", "cafe", {"accents": True}, True),
        ("New York", "new york", {"case": False}, False),
        ("a.b", "a b", {"punctuation": False}, False),
    ],
)
def test_normalised_makes_equal_what_it_was_told_to(
    answer: str, expected: str, options: dict[str, Any], passed: bool
) -> None:
    assert judged("normalised", answer, expected, **options).passed is passed


def test_contains_finds_the_text_letter_by_letter() -> None:
    assert judged("contains", "within 24 hours", value="24 h").passed
    assert judged("contains", "within 24 hours", value="24 H").detail == "does not contain '24 H'"
    assert judged("contains", "within 24 hours", value="24 H", ignore_case=True).passed


def test_contains_wants_all_of_its_values_or_any_or_none() -> None:
    assert not judged("contains", "a and b", values=["a", "c"]).passed
    assert judged("contains", "a and b", values=["a", "c"], all=False).passed
    assert judged("contains", "a and b", values=["c", "x"], absent=True).passed
    assert judged("contains", "a and b", values=["c", "b"], absent=True).detail == "contains 'b'"


def test_regex_is_found_anywhere_unless_the_whole_is_asked_for() -> None:
    assert judged("regex", "in 14 days or so", value=r"\d+ days").passed
    assert judged("regex", "in 14 days or so", value=r"\d+ days", whole=True).detail.startswith("no match of")
    assert not judged("regex", "in 14 days", value=r"\d+ days", absent=True).passed


def test_a_pattern_that_takes_too_long_is_an_error_and_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)

    result = judged("regex", "a" * 60 + "b", value="(a|aa)+$")

    assert result.error.startswith("the pattern '(a|aa)+$' did not finish within 0.05 s")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "regex needs `value`"),
        ("(a", "is not a pattern"),
        ("a{1000000000}", "repeats something more than 100,000 times"),
        ("((a{100}){100}){100}", "repeats something more than 100,000 times"),
    ],
)
def test_a_pattern_that_is_none_is_refused(value: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        judged("regex", "", value=value)


@pytest.mark.parametrize(
    ("source", "times"),
    [
        ("a{3}b{4}", 4),
        ("(a{30}){20}", 600),
        (r"\{9}[{9}]", 1),
        ("(a{2}(b{3}){4})", 12),
        ("a{0,99}", 1),
        ("(a", 1),
    ],
)
def test_repetitions_are_counted_before_they_are_written_out(source: str, times: int) -> None:
    assert patterns.repeats(source) == times


def test_an_empty_text_to_be_found_is_no_check() -> None:
    assert "every answer contains that" in judged("contains", "a", "").error
    with pytest.raises(ValueError, match="one of `values` is empty"):
        judged("contains", "a", values=["b", " "])


@pytest.mark.parametrize(
    ("left", "right", "same"), [(1, 1.0, True), (True, 1, False), (None, False, False), ([1], [1, 2], False)]
)
def test_json_values_are_the_same_as_in_json_schema(left: object, right: object, same: bool) -> None:
    assert same_json(left, right) is same
