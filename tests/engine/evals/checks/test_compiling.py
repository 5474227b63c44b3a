"""Checks as they are applied: what becomes of faults, and of answers that hold half characters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.evals.checks import KINDS, Kind, compile_checks
from engine.evals.checks.contract import Bench, Judge, Reply, Verdict
from store.records.evals import Case, Check
from tests.engine.evals.checks.stage import judged


class NoOptions(msgspec.Struct):
    """A kind without keys of its own."""


def test_a_fault_of_a_check_itself_is_an_error_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(options: NoOptions, bench: Bench) -> Judge:
        def judge(reply: Reply) -> Verdict:
            raise KeyError(reply.text)

        return judge

    monkeypatch.setitem(KINDS, "faulty", Kind("faulty", "fails", NoOptions, build))
    [check] = compile_checks([Check("faulty")])

    result = check.result("a", Case("c", "?"))

    assert (result.passed, result.error) == (False, "the check itself failed: KeyError: 'a'")


def test_half_a_character_in_an_answer_is_judged_as_a_question_mark() -> None:
    assert judged("exact", "a\ud800b", "a?b").passed
    assert judged("sql", "\ud800", "SELECT 1").error == ""


@pytest.mark.parametrize(
    ("kind", "answer", "options", "malformed"),
    [
        ("choice", "B", {}, False),
        ("choice", "Hard to say.", {}, True),
        ("regex", "12", {"value": r"\d{3}", "whole": True}, True),
        ("regex", "12", {"value": r"\d{3}"}, False),
        ("json_schema", "twelve", {"schema": {"type": "object"}}, True),
        ("json_schema", "{}", {"schema": {"type": "object"}}, False),
        ("exact", "B", {}, False),
    ],
)
def test_a_verdict_tells_a_wrong_answer_from_one_without_the_form(
    kind: str, answer: str, options: dict[str, Any], malformed: bool
) -> None:
    [check] = compile_checks([Check(kind, name="mine", options=options)])

    result = check.result(answer, Case("c", "?", "C"))

    assert (result.kind, result.of_kind, result.malformed) == ("mine", kind, malformed)


def test_a_check_that_is_turned_around_finds_no_form_missing() -> None:
    [check] = compile_checks([Check("choice", negate=True)])

    assert check.result("Hard to say.", Case("c", "?", "C")).malformed is False
