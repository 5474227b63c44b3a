"""Cases of a suite: inline, or a dataset's rows, evenly spread where not all are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.evals.cases import case_of, cases_of, spread
from engine.evals.suite import LoadedSuite
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.evals import Case, CasesFrom, Suite

INLINE = [Case(f"c{n}", "?") for n in range(10)]
ROWS = [Example(f"r{n}", n + 1, [Message("user", f"q{n}"), Message("assistant", f"a{n}")]) for n in range(10)]


def loaded(cases: list[Case] | CasesFrom) -> LoadedSuite:
    return LoadedSuite(Suite("mine", cases), Path("evals/mine.yaml"))


def no_rows(reference: str) -> Sequence[Example]:
    return []


def test_the_last_answer_is_expected_and_the_turns_before_the_question_go_along() -> None:
    system, greeting = Message("system", "Be kind."), Message("user", "Hello")
    reply, question = Message("assistant", "Hi"), Message("user", "Where is it?")

    case = case_of(Example("r7", 1, [system, greeting, reply, question, Message("assistant", "There.")]))

    assert case == Case("r7", "Where is it?", expected="There.", before=[system, greeting, reply])


def test_rows_are_asked_for_by_the_reference_of_the_suite() -> None:
    asked: list[str] = []

    def rows(reference: str) -> Sequence[Example]:
        asked.append(reference)
        return ROWS

    cases = cases_of(loaded(CasesFrom("chats@2/heldout")), rows)

    assert asked == ["chats@2/heldout"]
    assert [(case.id, case.input, case.expected) for case in cases[:2]] == [
        ("r0", "q0", "a0"),
        ("r1", "q1", "a1"),
    ]
    assert len(cases) == len(ROWS)


def test_the_limit_of_the_suite_holds_first_then_that_of_the_command() -> None:
    cases = cases_of(loaded(CasesFrom("chats", limit=5)), lambda reference: ROWS, limit=2)

    assert [case.id for case in cases] == ["r0", "r4"]


def test_inline_cases_are_limited_too() -> None:
    assert [case.id for case in cases_of(loaded(INLINE), no_rows, limit=3)] == ["c0", "c3", "c6"]


def test_a_dataset_without_rows_is_refused() -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml takes none from its dataset"):
        cases_of(loaded(CasesFrom("chats/heldout")), no_rows)


@pytest.mark.parametrize(
    ("limit", "taken"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6]),
        (9, [0, 1, 2, 3, 4, 5, 6]),
        (7, [0, 1, 2, 3, 4, 5, 6]),
        (3, [0, 2, 4]),
        (1, [0]),
    ],
)
def test_items_are_taken_evenly_over_the_whole(limit: int | None, taken: list[int]) -> None:
    assert spread(range(7), limit) == taken
