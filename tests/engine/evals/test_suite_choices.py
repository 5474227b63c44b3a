"""Choices of a suite and of its cases: whose they are, and what is wrong with them, by place."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.cases import cases_of
from engine.evals.suite import load_suite
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.evals import Case

HEAD = "name: mine\nchecks: [{kind: exact}]\n"


def write(root: Path, text: str) -> Path:
    path = root / "evals" / "mine.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def cases(root: Path, text: str, *rows: str) -> list[Case]:
    examples = [
        Example(f"r{n}", n, [Message("user", "?"), Message("assistant", row)]) for n, row in enumerate(rows)
    ]
    return cases_of(load_suite(write(root, text), root), lambda reference: examples)


def test_a_case_is_answered_from_its_own_choices_or_the_suites(tmp_path: Path) -> None:
    one, other = cases(
        tmp_path,
        "choices: [yes, no]\ncases:\n"
        "  - {id: c1, input: 'Is it?', expected: yes}\n"
        "  - {id: c2, input: 'Who?', expected: Ann, choices: [Ann, Annabel], per_byte: true}\n",
    )

    assert (one.choices, one.per_byte) == (["yes", "no"], False)
    assert (other.choices, other.per_byte) == (["Ann", "Annabel"], True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("choices: [a]\ncases: [{id: c, input: q, expected: a}]\n", "at least two"),
        ("choices: [a, a]\ncases: [{id: c, input: q, expected: a}]\n", "no two the same"),
        (
            "choices: [no, not sure]\ncases: [{id: c, input: q, expected: no}]\n",
            "'not sure' begins with 'no'",
        ),
        (
            "cases: [{id: c, input: q, expected: x, choices: [a, b]}]\n",
            "cases[0] (c).choices: what is expected, 'x', is none of them",
        ),
        (
            "cases: [{id: c, input: q, expected: a, choices: [a, b], turns: [more]}]\n",
            "cases[0] (c).choices: beside `turns`",
        ),
        ("choices: [a, b]\ncases: [{id: c, input: q, expected: x}]\n", "'x', is none of them"),
    ],
)
def test_choices_that_cannot_be_chosen_from_are_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_suite(write(tmp_path, text), tmp_path)

    assert problem in raised.value.happened


def test_a_row_that_expects_none_of_the_suites_choices_is_named(tmp_path: Path) -> None:
    text = "choices: [yes, no]\ncases: {dataset: chats/heldout}\n"

    assert [case.choices for case in cases(tmp_path, text, "yes", "no")] == [["yes", "no"]] * 2
    with pytest.raises(UsageError, match="r1: choices: what is expected, 'maybe'"):
        cases(tmp_path, text, "yes", "maybe")
