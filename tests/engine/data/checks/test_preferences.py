"""Preferences that contradict each other."""

from __future__ import annotations

from engine.data.checks.preferences import check
from tests.engine.data.checks.rows import basis, found, rows_of


def test_a_over_b_and_b_over_a_is_a_contradiction() -> None:
    given = basis([("q", "A"), ("q", "b"), ("other", "b")], kind="preference", rejected=["b", "a", "A"])
    finding = found(check, given)["preference_conflict"]
    assert rows_of(finding) == ["r0", "r1"]


def test_another_prompt_or_system_message_is_no_contradiction() -> None:
    rows = [("q", "a"), ("q", "b")]
    assert not found(check, basis(rows, kind="preference", rejected=["b", "a"], contexts=["", "x"]))
    assert not found(check, basis([("q", "a"), ("p", "b")], kind="preference", rejected=["b", "a"]))


def test_a_longer_circle_is_found_and_what_hangs_on_it_is_not_named() -> None:
    rows = [("q", "a"), ("q", "b"), ("q", "c"), ("q", "a")]
    given = basis(rows, kind="preference", rejected=["b", "c", "a", "z"])
    findings = found(check, given)
    assert list(findings) == ["preference_conflict/cycle"]
    assert rows_of(findings["preference_conflict/cycle"]) == ["r0", "r1", "r2"]


def test_an_answer_rated_both_ways_is_a_contradiction() -> None:
    given = basis(
        [("q", "a"), ("q", "A "), ("q", "b")], kind="unpaired_preference", labels=[True, False, False]
    )
    assert rows_of(found(check, given)["preference_conflict/rating"]) == ["r0", "r1"]
