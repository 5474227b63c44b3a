"""Results become scores: shares, means, errors of the mean, slices, cost, fragility."""

from __future__ import annotations

from statistics import pstdev

import pytest

from engine.evals.scores import clustered_error, fragility, score_of
from store.records.evals import CaseResult, CheckResult


def result(
    case: str, passed: bool, *, epoch: int = 0, group: str = "", error: str = "", **more: float
) -> CaseResult:
    checks = [CheckResult("exact", passed, float(passed)), CheckResult("judge", False, 0.5, error=error)]
    made = CaseResult(
        "s", "v", case, "?", "a", passed, float(passed), checks, tags=["a"], epoch=epoch, group=group
    )
    made.latency_ms = more.get("ms", 0.0)
    return made


def test_the_error_of_passes_is_the_binomial_one() -> None:
    assert clustered_error([1, 0, 0], "abc") == pytest.approx((1 / 3 * 2 / 3 / 3) ** 0.5)
    assert clustered_error([0.2, 0.5, 0.9, 0.4], "abcd") == pytest.approx(pstdev([0.2, 0.5, 0.9, 0.4]) / 2)
    assert clustered_error([], []) == 0
    assert clustered_error([1, 1], "ab") == 0


def test_asking_the_same_case_again_makes_nothing_surer() -> None:
    once = clustered_error([1, 0, 0], "abc")

    assert clustered_error([1, 0, 0] * 5, "abc" * 5) == pytest.approx(once)
    assert clustered_error([1, 0, 1, 0], "aabb") == 0  # all the noise is within cases


def test_a_score_counts_what_was_judged_and_names_the_rest() -> None:
    results = [result("c1", True), result("c2", False), result("c3", False, error="no verdict")]

    score = score_of("v", results)

    assert (score.n, score.cases, score.errors, score.score) == (2, 2, 1, 0.5)
    assert score.checks == {"exact": pytest.approx(1 / 3), "judge": 0.5}
    assert score.checks_stderr["exact"] == pytest.approx((2 / 27) ** 0.5)
    assert score.slices["a"].n == 2


def test_epochs_are_one_case() -> None:
    score = score_of("v", [result("c1", True), result("c1", False, epoch=1), result("c2", True)])

    assert (score.n, score.cases, score.epochs) == (3, 2, 2)


def test_cost_is_a_mean_and_the_slowest_twentieth() -> None:
    cost = score_of("v", [result(f"c{n}", True, ms=n) for n in range(1, 101)]).cost

    assert cost is not None
    assert (cost.latency_ms, cost.latency_p95_ms) == (50.5, 96)


def test_fragility_is_the_share_of_questions_that_hang_on_their_wording() -> None:
    steady = [result("a", True, group="a"), result("a-2", True, group="a")]
    mixed = [result("b", True, group="b"), result("b-2", False, group="b")]

    assert fragility(steady + mixed) == 0.5
    assert fragility([result("c", True)]) is None


def test_no_cases_score_nothing() -> None:
    score = score_of("v", [])

    assert (score.n, score.score, score.stderr, score.checks, score.cost) == (0, 0.0, 0.0, {}, None)
