"""Settings compared on the same questions, and figures held to their limits."""

from __future__ import annotations

import pytest

from engine.retrieval.checking.comparing import compare, pick
from engine.retrieval.checking.gating import limits, refusals
from store.errors import UsageError
from store.records.kb_check import Arm, KbReport, Mean, StageFigures


def rows(*values: float) -> list[dict[str, float]]:
    return [{"mrr": value} for value in values]


def test_an_arm_that_is_better_on_most_questions_is_taken() -> None:
    first, other = rows(*([0.2] * 30 + [0.5] * 10)), rows(*([1.0] * 30 + [0.5] * 10))
    (found,) = compare(first, {"other": other}, "mrr")
    assert (found.verdict, found.n) == ("better", 40)
    assert found.diff == pytest.approx(0.6)
    assert pick([found], "published", 40)[0] == "other"


def test_an_arm_that_is_alike_is_not_taken() -> None:
    same = rows(*[0.5, 1.0] * 10)
    (found,) = compare(same, {"other": same}, "mrr")
    assert found.verdict == "same"
    assert pick([found], "published", 20)[0] == "published"


def test_one_question_decides_nothing() -> None:
    (found,) = compare(rows(0.0), {"other": rows(1.0)}, "mrr")
    assert found.verdict == "too_small"


def test_without_arms_nothing_is_picked() -> None:
    assert compare(rows(1.0), {}, "mrr") == []
    assert pick([], "published", 1) == ("", "")


def report(**means: float) -> KbReport:
    figures = {name: Mean(mean, 0, 1, 9) for name, mean in means.items()}
    return KbReport("docs", 1, 5, 9, "", 0, 0, [Arm("published", 3, [StageFigures("search", figures)], {})])


def test_a_figure_below_its_limit_is_refused_by_name() -> None:
    assert refusals(report(mrr=0.7, recall=0.9), {"mrr": 0.8, "recall": 0.9}) == [
        "mrr is 0.700, less than 0.8."
    ]


def test_a_figure_that_is_not_there_is_refused() -> None:
    (line,) = refusals(report(mrr=0.7), {"token_iou": 0.1})
    assert "no question has it" in line


@pytest.mark.parametrize("typed", ["mrr", "mrr=high", "mrr=2", "mmr=0.5", "mrr=nan"])
def test_what_is_no_limit_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="That is no limit"):
        limits([typed])
