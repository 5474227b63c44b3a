"""Multiple choice: which choice an answer takes; BBH's rows by exact match."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.evals.checks.choice import chosen
from tests.engine.evals.checks.stage import judged

LABELS = ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B. because it rains", "B"),
        ("(C) It rains.", "C"),
        ("The answer is B.", "B"),
        ("**Answer: (D)**", "D"),
        ("I first thought of (A). The answer is C", "C"),
        ("It must be (B), I think", "B"),
        ("A dog would do", None),
        ("(A) or (B)", "A"),
        ("either (A) or (B)", None),
        ("", None),
    ],
)
def test_a_label_is_found_the_way_that_models_write_it(text: str, choice: str | None) -> None:
    assert chosen(text, LABELS) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [("refund", "refund"), ("It is a Refund.", "refund"), ("refund or lost card", None), ("none", None)],
)
def test_choices_may_be_texts(text: str, choice: str | None) -> None:
    assert chosen(text, ["refund", "lost card"]) == choice


def test_the_right_choice_passes_and_another_says_which_was_taken() -> None:
    assert judged("choice", "The answer is (B).", "(B)").passed
    assert judged("choice", "(A)", "(B)").detail == "took 'A', not 'b'"
    assert judged("choice", "who knows", "(B)").detail == "takes none of the choices, or several"


def test_every_row_of_bbh_scores_its_own_answer_and_no_other(shared_data: Path) -> None:
    files = sorted((shared_data / "forgetting" / "bbh").glob("*.json"))
    assert files
    for file in files:
        for row in msgspec.json.decode(file.read_bytes())["examples"]:
            target = row["target"]
            assert judged(
                "exact", f"Step by step. So the answer is {target}.", target, after="answer is"
            ).passed
            assert judged("exact", target, target).passed
            assert not judged("exact", f"{target}x", target).passed
