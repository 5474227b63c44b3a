"""Exact duplicates: what must be the same, and which row stays."""

from __future__ import annotations

from engine.data.checks.duplicates import check
from tests.engine.data.checks.rows import basis, found, rows_of


def test_rows_after_the_first_can_go_and_the_group_names_all() -> None:
    finding = found(check, basis([("Hi", "a"), ("q", "b"), (" hi\n", "A"), ("hi", "a")]))["exact_duplicate"]
    assert (rows_of(finding), finding.count) == (["r2", "r3"], 2)
    assert [group.rows for group in finding.groups] == [["r0", "r2", "r3"]]
    assert finding.remedy == "temper data fix d --drop-duplicates"


def test_another_answer_system_message_ending_rating_or_split_is_no_duplicate() -> None:
    same = [("q", "a"), ("q", "a")]
    assert not found(check, basis([("q", "a"), ("q", "b")]))
    assert not found(check, basis(same, contexts=["", "x"]))
    assert not found(check, basis(same, kind="preference", rejected=["b", "c"]))
    assert not found(check, basis(same, kind="unpaired_preference", labels=[True, False]))
    assert not found(check, basis(same, heldout=[1]))
