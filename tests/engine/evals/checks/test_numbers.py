"""Numbers in texts: how they are written, which one is meant, and GSM8K's rules on its own rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.evals.checks.numbers import as_number, numbers_in
from engine.evals.checks.numeric import boxed, extracted, gsm8k_answer
from tests.engine.evals.checks.stage import judged


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234,567.5 and 12,34,567", ["1234567.5", "1234567"]),
        ("1\u202f234 or 1\u00a0234 or 1'234", ["1234", "1234", "1234"]),
        ("1,2,3 and 3,14", ["1", "2", "3", "3", "14"]),
        ("$5, -$5, $-5, €7.50", ["5", "-5", "-5", "7.50"]),
        ("\u22125 and \u20135 and -.5", ["-5", "-5", "-0.5"]),
        ("10-5, a-5, 3 - 2", ["10", "5", "5", "3", "2"]),
        ("- 5 apples\n- 6 pears", ["5", "6"]),
        ("1e3 2.5E-2 1.2 x 10^-3 1.5\u00d710\u2074 2*10**2", ["1000", "0.025", "0.0012", "15000", "200"]),
        ("**10** and *10*", ["10", "10"]),
        ("10^6, -10^{-3}, 10⁴, 3*10^2, 10**2, 2^10", ["1000000", "-0.001", "10000", "300", "100", "2", "10"]),
        ("3/4, 1 3/4, 10 / 4", ["0.75", "1.75", "2.5"]),
        ("½ and 2½ and 2 ¼", ["0.5", "2.5", "2.25"]),
        ("on 3/4/2024", ["3", "4", "2024"]),
        ("1/0 and 5/0", []),
        (r"\frac{3}{4} \dfrac12 1{,}234 \$5 5\% 12\,000", ["0.75", "0.5", "1234", "5", "5", "12000"]),
        ("15% of 5kg for 18.", ["15", "5", "18"]),
        ("CO2, H2O, GPT4, x_1", []),
        ("\uff11\uff12\uff13 \u0663", ["123", "3"]),
        ("nan inf Infinity", []),
        ("1e99999999999 and 5", ["5"]),
        ("7" * 5000, []),
    ],
)
def test_numbers_are_read_as_people_and_models_write_them(text: str, numbers: list[str]) -> None:
    assert numbers_in(text) == [Decimal(one) for one in numbers]


def test_a_comma_is_the_decimal_sign_where_that_is_told() -> None:
    assert numbers_in("1.234,50 € und 1 234,5 und 3,14", ",") == [
        Decimal(one) for one in ("1234.50", "1234.5", "3.14")
    ]
    assert judged("numeric", "Das macht 3,14 €.", "3,14", decimal=",").passed
    assert "say `decimal: ','`" in judged("numeric", "It is 3,14", value=3.14).detail
    assert "decimal" not in judged("numeric", "It is 1,234", value=3.14).detail


@pytest.mark.parametrize(
    ("text", "number"),
    [("18", "18"), (" **18** ", "18"), ("$18$", "18"), ("$18", "18"), ("18.", "18"), ("-3/4", "-0.75")],
)
def test_a_text_may_be_a_number_and_nothing_else(text: str, number: str) -> None:
    assert as_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "18 dollars", "18-19", "about 18", "inf", "--5", "2024-01-05"])
def test_a_text_that_is_more_than_a_number_is_none(text: str) -> None:
    assert as_number(text) is None


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("#### 72", "72"),
        ("9 + 9 = 18\n#### 1,018", "1018"),
        ("#### $1,234.00", "1234"),
        ("####-5", "-5"),
        ("#### **18** dollars\n\nQuestion: next\n#### 20", "18"),
        ("#### Step 1: take 3\n#### 2. Add 4\nThe answer is 7.", "7"),
        (r"so \boxed{18} of 20", "18"),
        (r"\boxed{\frac{3}{4}}", "0.75"),
        (r"\boxed{x = 1{,}234\text{ dollars}}", "1234"),
        (r"\boxed{12\%} and then \boxed{ 7 }", "7"),
        (r"\boxed{} so 5", "5"),
        ("The answer is 18 because 3 * 6.", "18"),
        ("The answer is 18. (Check: 9 * 2 = 18, and 18 / 9 is 2)", "18"),
        ("The answer is 5 + 13 = 18, not 4.", "18"),
        ("Final answer: **$1,234**\n\nThis took 3 steps.", "1234"),
        ("Answer:\n\n18\n\n(in 2 steps)", "18"),
        ("The final answer to question 2 is approximately 3.5 metres, which is 11 feet.", "3.5"),
        ("Answer: the 3 friends get 6 each", "6"),
        ("**Answer:** 6 friends, in 2 groups", "6"),
        ('{"steps": 3, "answer": 12, "unit": "m2"}', "12"),
        ("The next answer was 1,400. In all the answers come to 3200", "3200"),
        ("24 answers * 2 points/answer = 48 points. With the bonus 66", "66"),
        ("To express the answer as a percentage: 3 / 21 = 14.28, rounded 14", "14"),
        ("The answer is \\(42\\). Done in 1 step.", "42"),
        ("I have no answer: it needs more. First 3, then 18.", "18"),
        ("It costs $1,234.50 in all", "1234.5"),
        ("from 10-5", "5"),
        ("- 7 apples", "7"),
    ],
)
def test_the_number_that_is_marked_as_the_answer_is_meant_else_the_last(answer: str, number: str) -> None:
    assert extracted(answer, "auto") == Decimal(number)


@pytest.mark.parametrize(
    ("answer", "expected", "options", "passed"),
    [
        ("9 + 9 = 18\n#### 1,018", "1018", {"extract": "gsm8k"}, True),
        ("so 18 dollars", "18", {"extract": "gsm8k"}, False),
        ("#### $18", "18", {"extract": "gsm8k"}, False),
        (r"\boxed{18}, or 20", "18", {"extract": "boxed"}, True),
        ("18", "18", {"extract": "boxed"}, False),
        ("The answer is 3 of 18", "18", {"extract": "last"}, True),
        ("3 of 18", "3", {"extract": "first"}, True),
        ("18 dollars", "18", {"extract": "only"}, False),
        ("18", "18", {"extract": "only"}, True),
        ("-5", "5", {}, False),
        ("1/3", "1/3", {}, True),
        ("0.75", "3/4", {}, True),
        ("0.333", "1/3", {}, False),
        ("0.333", "1/3", {"tolerance": 0.001}, True),
        ("about 101", "100", {"relative": 0.01}, True),
        ("about 102", "100", {"relative": 0.01}, False),
        ("-101", "-100", {"relative": 0.01}, True),
        ("3.14", "3.14159", {"tolerance": 0.01}, True),
        ("0.30000000000000004", "0.3", {"tolerance": 1e-9}, True),
        ("none", "0", {}, False),
        ("15%", "15", {}, True),
        ("0.15", "15%", {}, False),
        ("18.0", "18", {}, True),
    ],
)
def test_the_right_number_passes_within_its_margin(
    answer: str, expected: str, options: dict[str, Any], passed: bool
) -> None:
    assert judged("numeric", answer, expected, **options).passed is passed


def test_a_box_that_does_not_end_is_none() -> None:
    assert boxed(r"\boxed{\frac{1}{2}") is None
    assert boxed(r"\boxed{\frac{1}{2}}") == r"\frac{1}{2}"


def test_an_answer_without_a_number_says_so() -> None:
    assert judged("numeric", "I do not know", "3").detail == "no number in the answer"


def test_an_expected_answer_without_a_number_is_an_error_of_the_case() -> None:
    assert "has no number" in judged("numeric", "3", "three").error
    assert "has no number" in judged("numeric", "3", "inf").error


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tolerance": -1.0}, "`tolerance` is -1.0"),
        ({"relative": float("inf")}, "`relative` is inf"),
        ({"tolerance": float("nan")}, "`tolerance` is nan"),
        ({"value": float("inf")}, "`value` is inf"),
    ],
)
def test_margins_that_let_everything_or_nothing_pass_are_refused(
    options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        judged("numeric", "3", "3", **options)


def test_every_row_of_gsm8k_scores_its_own_answer_and_no_other(shared_data: Path) -> None:
    rows = (shared_data / "instruct" / "gsm8k" / "train.jsonl").read_bytes().splitlines()
    answers = [msgspec.json.decode(row)["answer"] for row in rows]
    assert len(answers) == 7473
    for answer in answers:
        final = answer.rpartition("#### ")[2]
        assert gsm8k_answer(answer) == final.replace(",", "")
    for answer in answers[::25]:
        final = answer.rpartition("#### ")[2]
        for how in ("gsm8k", "auto"):
            assert judged("numeric", answer, final, extract=how).passed
            assert not judged("numeric", f"{answer}1", final, extract=how).passed
        reworded = answer.replace(f"#### {final}", f"So the answer is ${final}.")
        assert judged("numeric", reworded, final).passed
