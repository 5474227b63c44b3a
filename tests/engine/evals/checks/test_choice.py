"""Multiple choice: which choice an answer takes; BBH's rows by exact match."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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
        (" **B** ", "B"),
        ("B. because it rains", "B"),
        ("B) It rains.", "B"),
        ("B - it rains", "B"),
        ("(C) It rains.", "C"),
        ("B is correct, since it rains", "B"),
        ("Correct answer - B", "B"),
        ("**(C)** It rains, not (A).", "C"),
        ("The answer is B.", "B"),
        ("The answer is b", "B"),
        ("the answer is (C)", "C"),
        ("The correct answer is option D, since it rains.", "D"),
        ("The correct option is: **B**", "B"),
        ("**Answer: (D)**", "D"),
        ("Answer: A", "A"),
        ("Answer:\nC", "C"),
        ("Final Answer: [[B]]", "B"),
        ("I would choose C because it rains", "C"),
        ('{"answer": "B"}', "B"),
        ("<answer>B</answer>", "B"),
        (r"So \boxed{B}, not \text{A}.", "B"),
        (r"\boxed{\text{(C)}}", "C"),
        ("I first thought of (A). The answer is C", "C"),
        ("(A) seems right at first. But the answer is (B).", "B"),
        ("It must be (B), I think", "B"),
        ("I'd go with B", "B"),
        ("Antwort: B", "B"),
        ("答案是B", "B"),
        ("Not C but B", "B"),
        ("A clear case for D, I'd say", "D"),
        ("A and B both fit", None),
        ("Not a B-movie", None),
        ("Rain falls, and that is why.\n\nB", "B"),
        ("The answer is A because it rains", "A"),
        ("The answer is B, a dog", "B"),
        ("The answer is Carol", None),
        ("A dog would do", None),
        ("The answer is a bit complex", None),
        ("Answer: A dog would do", None),
        ("(A) or (B)", None),
        ("A, B", None),
        ("The answer is A or B", None),
        ("either (A) or (B)", None),
        ("I cannot choose", None),
        ("E", None),
        ("", None),
    ],
)
def test_a_label_is_found_the_way_that_models_write_it(text: str, choice: str | None) -> None:
    assert chosen(text, LABELS) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("refund", "refund"),
        ("It is a Refund.", "refund"),
        ("refund or lost card", None),
        ("Not refund", None),
        ("It is not refund, it is lost card", "lost card"),
        ("none", None),
    ],
)
def test_choices_may_be_texts(text: str, choice: str | None) -> None:
    assert chosen(text, ["refund", "lost card"]) == choice


def test_the_right_choice_passes_and_another_says_which_was_taken() -> None:
    assert judged("choice", "The answer is (B).", "(B)").passed
    assert judged("choice", "(A)", "(B)").detail == "took 'A', not 'b'"
    assert judged("choice", "who knows", "(B)").detail == "takes none of the choices, or several"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"choices": ["A", "(a)"]}, "must be texts that differ"),
        ({"choices": ["A", ""]}, "must be texts that differ"),
        ({"choices": ["A", "B"], "value": "C"}, "'C' is none of the choices: A, B"),
    ],
)
def test_choices_that_cannot_be_told_apart_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        judged("choice", "A", "A", **options)


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
