"""Numbers in answers, and GSM8K's rules on its own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.evals.checks.numbers import gsm8k_answer
from tests.engine.evals.checks.stage import judged


@pytest.mark.parametrize(
    ("answer", "expected", "options", "passed"),
    [
        ("#### 72", "72", {}, True),
        ("9 + 9 = 18\n#### 1,018", "1018", {"extract": "gsm8k"}, True),
        ("so 18 dollars", "18", {"extract": "gsm8k"}, False),
        ("First 3, then 18.", "18", {}, True),
        (r"\boxed{18} of 20", "18", {}, True),
        ("It costs $1,234.50 in all", "1234.5", {}, True),
        ("-5", "5", {}, False),
        ("from 10-5", "5", {}, True),
        ("about 101", "100", {"relative": 0.01}, True),
        ("about 102", "100", {"relative": 0.01}, False),
        ("3.14", "3.14159", {"tolerance": 0.01}, True),
        ("18 dollars", "18", {"extract": "only"}, False),
        ("18", "18", {"extract": "only"}, True),
        ("3 of 18", "3", {"extract": "first"}, True),
        ("none", "0", {}, False),
        ("1e3", "1000", {}, True),
        ("15%", "15", {}, True),
    ],
)
def test_the_number_that_is_meant_is_compared(
    answer: str, expected: str, options: dict[str, Any], passed: bool
) -> None:
    assert judged("numeric", answer, expected, **options).passed is passed


def test_an_answer_without_a_number_says_so() -> None:
    assert judged("numeric", "I do not know", "3").detail == "no number in the answer"


def test_an_expected_answer_without_a_number_is_an_error_of_the_case() -> None:
    assert "has no number" in judged("numeric", "3", "three").error


def test_every_row_of_gsm8k_scores_its_own_answer_and_no_other(shared_data: Path) -> None:
    rows = (shared_data / "instruct" / "gsm8k" / "train.jsonl").read_bytes().splitlines()
    answers = [msgspec.json.decode(row)["answer"] for row in rows]
    assert len(answers) == 7473
    for answer in answers:
        final = answer.rpartition("#### ")[2]
        assert gsm8k_answer(answer) == final.replace(",", "")
    for answer in answers[::25]:
        final = answer.rpartition("#### ")[2]
        assert judged("numeric", answer, final, extract="gsm8k").passed
        assert not judged("numeric", f"{answer}1", final, extract="gsm8k").passed
