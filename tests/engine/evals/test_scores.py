"""Results become scores: shares, means, errors of the mean, slices, cost, fragility."""

from __future__ import annotations

from statistics import pstdev

import msgspec
import pytest

from engine.evals.checks import compile_checks
from engine.evals.scores import clustered_error, fragility, score_of
from engine.evals.stats import exact_interval
from store.records.evals import Case, CaseResult, Check, CheckResult, VariantScore


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
    assert score.checks_n == {"exact": 3, "judge": 2}
    assert score.checks_ci95["exact"] == exact_interval(1, 3)
    assert (score.ci95, score.slices["a"].ci95) == (exact_interval(1, 2), exact_interval(1, 2))
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

    score = score_of("v", steady + mixed)
    assert fragility(steady + mixed) == (1, 2)
    assert (score.fragility, round(score.fragility_stderr, 6)) == (0.5, round(0.125**0.5, 6))
    assert score.fragility_ci95 == exact_interval(1, 2)
    assert fragility([result("c", True)]) is None


def test_no_cases_score_nothing() -> None:
    score = score_of("v", [])

    assert (score.n, score.score, score.stderr, score.checks, score.cost) == (0, 0.0, 0.0, {}, None)
    assert score.ci95 == score.mean_ci95 == (0.0, 1.0)


def test_epochs_make_an_interval_no_narrower_and_scores_of_an_older_temper_have_none() -> None:
    once = [result(f"c{n}", n % 3 > 0) for n in range(30)]
    often = [result(f"c{n}", n % 3 > 0, epoch=epoch) for n in range(30) for epoch in range(5)]

    assert score_of("v", often).ci95 == score_of("v", once).ci95 == exact_interval(20, 30)
    old = msgspec.json.decode(b'{"name": "v", "n": 9, "score": 1.0, "stderr": 0.0}', type=VariantScore)
    assert (old.ci95, old.checks_ci95) == (None, {})


def test_where_all_translations_are_perfect_the_pooled_score_is_not_certain() -> None:
    [check] = compile_checks([Check("bleu")])
    right = "the cat sat on the mat today"
    answers = [
        CaseResult("s", "v", f"c{n}", "?", right, True, 1.0, [check.result(right, Case(f"c{n}", "?", right))])
        for n in range(20)
    ]

    low, high = score_of("v", answers).checks_ci95["bleu"]

    assert low < 0.9
    assert high == 1.0
    assert score_of("v", answers[:1]).checks_ci95["bleu"][0] < 0.5


ANSWERS = [
    ("the cat sat on the mat", "the cat is on the mat"),
    ("hello there, all of you", "hello there, all of you"),
    ("nothing alike here", "all other words are"),
    ("Send it before five on Monday!", "Send it by five on a Monday."),
]


def translated(kind: str, *missing: str) -> list[CaseResult]:
    """A result for each of ANSWERS, judged by one check; those of `missing` have no answer."""
    [check] = compile_checks([Check(kind)])
    results = []
    for number, (answer, right) in enumerate(ANSWERS):
        case = Case(f"c{number}", "?", right)
        checked = check.result(answer, case) if case.id not in missing else CheckResult(kind, False, 0.0)
        results.append(CaseResult("s", "v", case.id, "?", answer, False, checked.score, [checked]))
    return results


@pytest.mark.parametrize("kind", ["bleu", "chrf"])
def test_bleu_and_chrf_of_a_run_are_sacrebleus_of_all_answers_and_no_mean(kind: str) -> None:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metric = BLEU() if kind == "bleu" else CHRF()
    theirs = metric.corpus_score([answer for answer, _ in ANSWERS], [[right for _, right in ANSWERS]]).score
    results = translated(kind)

    score = score_of("v", results)

    assert score.checks[kind] == pytest.approx(theirs / 100, abs=1e-12)
    assert score.checks[kind] != pytest.approx(sum(one.score for one in results) / 4, abs=1e-3)
    assert 0 < score.checks_stderr[kind] < 0.5


def test_an_answer_that_is_missing_scores_nothing_in_a_pooled_score() -> None:
    there = score_of("v", translated("bleu")[:3]).checks["bleu"]

    assert score_of("v", translated("bleu", "c3")).checks["bleu"] == pytest.approx(there * 3 / 4)


def test_results_without_counts_are_scored_by_their_mean() -> None:
    results = translated("bleu")
    results[0].checks[0].counts, results[0].checks[0].formula = [], ""

    mean = sum(one.checks[0].score for one in results) / 4

    assert score_of("v", results).checks["bleu"] == pytest.approx(mean)


def test_the_error_of_a_pooled_score_takes_epochs_as_one_case() -> None:
    once, twice = translated("chrf"), translated("chrf") + translated("chrf")

    errors = [score_of("v", results).checks_stderr["chrf"] for results in (once, twice)]

    assert errors[0] == pytest.approx(errors[1])


def test_the_means_of_a_cost_have_errors_too() -> None:
    score = score_of("v", [result("a", True, ms=10), result("b", True, ms=30), result("b", True, ms=30)])

    assert score.cost is not None
    assert set(score.cost.stderr) == {"prompt_tokens", "completion_tokens", "latency_ms"}
    assert score.cost.stderr["latency_ms"] == pytest.approx(clustered_error([10, 30, 30], "abb"))
