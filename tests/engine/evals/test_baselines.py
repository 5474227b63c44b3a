"""What guessing would score: the most frequent answer, through the suite's own checks."""

from __future__ import annotations

import pytest

from engine.evals.baselines import NAME, majority_baseline
from engine.evals.checks import compile_checks
from engine.evals.run import CheckedCase
from store.records.evals import Case, Check

EXACT = compile_checks([Check("exact")])


def asked(*expected: str | None) -> list[CheckedCase]:
    return [(Case(f"c{n}", "?", expected=answer), EXACT) for n, answer in enumerate(expected)]


def test_the_most_frequent_training_answer_is_given_to_every_case() -> None:
    score = majority_baseline("mine", asked("lost", "refund", "refund", "lost"), ["lost", "lost", "refund"])

    assert score is not None
    assert (score.name, score.n, score.score) == (NAME, 4, 0.5)
    assert score.stderr == pytest.approx(0.25)
    assert score.checks == {"exact": 0.5}


def test_training_answers_count_even_where_the_cases_say_otherwise() -> None:
    score = majority_baseline("mine", asked("refund", "refund", "lost"), ["lost", "lost"])

    assert score is not None
    assert score.score == pytest.approx(1 / 3)


def test_without_training_answers_the_best_constant_is_taken() -> None:
    score = majority_baseline("mine", asked("lost", "refund", "refund", None))

    assert score is not None
    assert (score.score, score.n) == (2 / 3, 3)


def test_equally_frequent_answers_are_settled_by_the_alphabet() -> None:
    cases = asked("refund", "lost", "refund", "lost", "lost")

    score = majority_baseline("mine", cases, ["refund", "lost", "refund", "lost"])

    assert score is not None
    assert score.score == pytest.approx(3 / 5)


@pytest.mark.parametrize("expected", [("a", "b", "c"), (None, None)])
def test_where_no_answer_stands_twice_there_is_no_baseline(expected: tuple[str | None, ...]) -> None:
    assert majority_baseline("mine", asked(*expected)) is None
