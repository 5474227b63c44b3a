"""Settings compared on the same questions, and figures held to their limits."""

from __future__ import annotations

import msgspec
import pytest

from engine.retrieval.checking.comparing import compare, pick
from engine.retrieval.checking.gating import Baseline, Rules, judge, limits
from store.errors import UsageError
from store.records.kb_check import Arm, KbReport, Mean, StageFigures, Unresolved


def rows(*values: float) -> list[dict[str, float]]:
    return [{"mrr": value} for value in values]


def test_an_arm_that_is_better_on_most_questions_is_taken() -> None:
    first, other = rows(*([0.2] * 30 + [0.5] * 10)), rows(*([1.0] * 30 + [0.5] * 10))
    (found,) = compare(first, {"other": other}, "mrr")
    assert (found.verdict, found.n) == ("better", 40)
    assert found.diff == pytest.approx(0.6)
    assert pick([found], "published")[0] == "other"


def test_an_arm_that_is_alike_is_not_taken() -> None:
    same = rows(*[0.5, 1.0] * 150)
    (found,) = compare(same, {"other": same}, "mrr")
    assert found.verdict == "same"
    assert pick([found], "published")[0] == "published"


def test_one_question_decides_nothing() -> None:
    (found,) = compare(rows(0.0), {"other": rows(1.0)}, "mrr")
    assert found.verdict == "too_small"


def test_too_few_questions_say_how_many_it_would_take() -> None:
    first, other = rows(*([0.0, 0.5, 1.0] * 3)), rows(*([0.0, 0.5, 1.0] * 2), 0.5, 0.5, 1.0)
    (found,) = compare(first, {"other": other}, "mrr")
    assert (found.verdict, found.questions_needed > 9) == ("too_small", True)
    taken, why = pick([found], "published")
    assert (taken, "9 questions cannot tell" in why) == ("published", True)


def test_of_two_better_arms_the_pick_says_that_the_other_may_be_as_good() -> None:
    first = rows(*[0.1, 0.3] * 20)
    found = compare(first, {"a": rows(*[0.8, 1.0] * 20), "b": rows(*[0.9, 0.9] * 20)}, "mrr")
    taken, why = pick(found, "published")
    assert taken in ("a", "b")
    assert "1 other may be as good" in why


def test_alike_on_few_questions_is_not_called_the_same() -> None:
    (found,) = compare(rows(1.0, 1.0), {"other": rows(1.0, 1.0)}, "mrr")
    assert found.verdict == "too_small"


def test_without_arms_nothing_is_picked() -> None:
    assert compare(rows(1.0), {}, "mrr") == []
    assert pick([], "published") == ("", "")


def report(**means: float) -> KbReport:
    figures = {name: Mean(mean, 0, 1, 9) for name, mean in means.items()}
    return KbReport("docs", 1, 5, 9, "", 0, 0, [Arm("published", 3, [StageFigures("search", figures)], {})])


def test_a_figure_below_its_limit_is_refused_by_name() -> None:
    outcome = judge(report(mrr=0.7, recall=0.9), Rules({"mrr": 0.8, "recall": 0.9}), None)
    assert outcome.verdict == "failed"
    assert outcome.reasons == ["mrr is 0.700, at least 0.8 is asked for (9 questions)"]


def test_a_gate_that_wants_to_be_certain_holds_the_low_end_to_it() -> None:
    (line,) = judge(report(mrr=0.9), Rules({"mrr": 0.8}, certain=True), None).reasons
    assert line.startswith("the low end of mrr's interval is 0.000")


def test_a_figure_that_is_not_there_is_refused() -> None:
    (line,) = judge(report(mrr=0.7), Rules({"token_iou": 0.1}), None).reasons
    assert "no question has it" in line


def test_a_question_that_could_not_be_asked_fails_a_gate() -> None:
    gone = msgspec.structs.replace(report(mrr=1.0), unresolved=[Unresolved("q", "gone.md is gone")])
    assert judge(gone, Rules({"mrr": 0.5}), None).reasons == ["1 question could not be asked (see above)"]


def test_without_rules_there_is_no_verdict() -> None:
    assert judge(report(mrr=0.7), Rules(), None).verdict == "none"


@pytest.mark.parametrize(
    ("was", "most", "verdict"),
    [(0.7, 0.0, "passed"), (0.75, 0.0, "failed"), (0.75, 0.06, "passed"), (0.6, 0.0, "passed")],
)
def test_a_figure_may_not_fall_below_the_baseline(was: float, most: float, verdict: str) -> None:
    baseline = Baseline("r", "", 5, 9, recall=0.9, mrr=was)
    assert judge(report(mrr=0.7, recall=0.9), Rules(max_fall=most), baseline).verdict == verdict


def test_a_baseline_of_other_questions_decides_nothing() -> None:
    other = Baseline("r", "another", 5, 9, recall=0.0, mrr=0.0)
    (line,) = judge(report(mrr=0.7, recall=0.9), Rules(max_fall=0.0), other).reasons
    assert "bless anew" in line


@pytest.mark.parametrize("typed", ["mrr", "mrr=high", "mrr=2", "mmr=0.5", "mrr=nan"])
def test_what_is_no_limit_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="That is no limit"):
        limits([typed])
