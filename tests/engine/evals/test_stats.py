"""Statistics against values worked out elsewhere: by hand, or read off published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from engine.evals.stats import (
    clustered,
    difference_interval,
    exact_interval,
    holm,
    mcnemar_exact,
    mean_interval,
    paired_interval,
    paired_p,
    score_interval,
    standard_error,
    wilson_interval,
)
from engine.evals.stats.graded import carriers
from scripts.real_runs import coverage, exact_coverage


@pytest.mark.parametrize(
    ("passed", "n", "error"),
    [(5, 10, 0.158113883), (80, 100, 0.04), (0, 10, 0.0), (10, 10, 0.0), (0, 0, 0.0)],
)
def test_the_standard_error_is_that_of_a_share(passed: int, n: int, error: float) -> None:
    assert standard_error(passed, n) == pytest.approx(error)


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(passed: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(passed, n) == pytest.approx((low, high), abs=5e-5)


def test_the_wilson_interval_mirrors_passes_and_fails() -> None:
    low, high = wilson_interval(3, 10)

    assert wilson_interval(7, 10) == pytest.approx((1 - high, 1 - low))


def test_all_passed_still_leaves_doubt_below_and_none_above() -> None:
    low, high = wilson_interval(20, 20)

    assert low == pytest.approx(0.8389, abs=5e-5)
    assert high == pytest.approx(1.0)
    assert high <= 1.0


def test_no_cases_tell_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 x 1/2
        (5, 0, 0.0625),  # 2 x 1/32
        (6, 0, 0.03125),  # 2 x 1/64
        (8, 2, 0.109375),  # 2 x (1 + 10 + 45) / 1024
        (9, 1, 0.021484375),  # 2 x (1 + 10) / 1024
        (3, 3, 1.0),  # 2 x (1 + 6 + 15 + 20) / 64 is above 1
    ],
)
def test_mcnemar_is_the_binomial_tail_on_both_sides(fixed: int, broken: int, p: float) -> None:
    assert mcnemar_exact(fixed, broken) == p
    assert mcnemar_exact(broken, fixed) == p


@pytest.mark.parametrize(("fixed", "broken"), [(3, 11), (40, 22), (700, 640)])
def test_mcnemar_is_scipys_exact_test(fixed: int, broken: int) -> None:
    expected = stats.binomtest(fixed, fixed + broken).pvalue

    assert mcnemar_exact(fixed, broken) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_holds_for_thousands_of_cases() -> None:
    assert 0.0 < mcnemar_exact(1300, 1200) < 0.05


def test_the_paired_interval_is_that_of_a_published_table() -> None:
    # responses before and after therapy (Cavo et al., 2012), as the R package contingencytables has them
    assert paired_interval(59, 6, 16, 80) == pytest.approx((-0.1186, -0.0046), abs=5e-5)


def test_the_paired_interval_mirrors_the_variants() -> None:
    low, high = paired_interval(14, 5, 0, 22)

    assert paired_interval(14, 0, 5, 22) == pytest.approx((-high, -low))


def test_variants_that_never_differ_still_leave_doubt() -> None:
    low, high = paired_interval(18, 0, 0, 2)

    assert low < 0 < high
    assert paired_interval(0, 0, 0, 0) == (-1.0, 1.0)


# -- the exact interval -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "n"), [(0, 20), (1, 20), (4, 20), (10, 20), (3, 7), (20, 20), (37, 300)])
def test_the_exact_interval_lies_within_clopper_and_pearsons(passed: int, n: int) -> None:
    low, high = exact_interval(passed, n)
    outer = stats.binomtest(passed, n).proportion_ci()

    assert outer.low - 1e-9 <= low <= passed / n <= high <= outer.high + 1e-9
    assert exact_interval(n - passed, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("passed", "n"), [(2, 11), (5, 20), (17, 60)])
def test_the_exact_interval_ends_where_its_p_value_by_brute_force_falls_under_five_percent(
    passed: int, n: int
) -> None:
    low, high = exact_interval(passed, n)

    for inside, outside in ((low + 1e-4, low - 1e-4), (high - 1e-4, high + 1e-4)):
        assert blaker_p(passed, n, inside) >= 0.05 > blaker_p(passed, n, outside)


def blaker_p(passed: int, n: int, share: float) -> float:
    """From the definition: the probability of all counts whose own smaller tail is no larger."""
    weights = [stats.binom.pmf(count, n, share) for count in range(n + 1)]
    tails = [min(sum(weights[count:]), sum(weights[: count + 1])) for count in range(n + 1)]
    return float(sum(w for w, tail in zip(weights, tails, strict=True) if tail <= tails[passed] * (1 + 1e-9)))


@pytest.mark.parametrize("n", [20, 50])
def test_a_share_is_held_in_95_of_100_samples_whatever_it_is(n: int) -> None:
    truths = np.linspace(0.0005, 0.9995, 2_000)

    assert exact_coverage.share_coverage(n, truths).min() >= 0.95 - 1e-6


@pytest.mark.parametrize(("n", "gained", "lost"), [(20, 0.01, 0.0), (50, 0.2, 0.01), (50, 0.3, 0.3)])
def test_fixed_less_broken_is_held_in_more_than_93_5_of_100_samples(
    n: int, gained: float, lost: float
) -> None:
    assert exact_coverage.pair_coverage(n, gained, lost) >= 0.935


# -- the score interval -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gained", "lost", "n"), [(5, 2, 20), (0, 7, 40), (12, 12, 30), (0, 0, 9)])
def test_the_score_interval_ends_where_the_test_just_refuses(gained: int, lost: int, n: int) -> None:
    low, high = score_interval(gained, lost, n)

    assert score_interval(lost, gained, n) == pytest.approx((-high, -low))
    for end in (low, high):
        if abs(end) < 1:
            assert abs(tango_statistic(gained, lost, n, end)) == pytest.approx(1.959963985, abs=1e-6)


def tango_statistic(gained: int, lost: int, n: int, difference: float) -> float:
    """The statistic from its definition: q maximises the likelihood by brute force."""
    low, high = max(0.0, -difference), (1 - difference) / 2

    def likelihood(q: float) -> float:
        cells = ((gained, q + difference), (lost, q), (n - gained - lost, 1 - 2 * q - difference))
        return sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    for _ in range(200):  # golden enough: the likelihood has one top
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if likelihood(a) < likelihood(b) else (low, b)
    q = (low + high) / 2
    return (gained - lost - n * difference) / math.sqrt(n * (2 * q + difference * (1 - difference)))


# -- graded scores ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize("shape", ["uniform", "log-normal, skewness 6", "five levels", "3 epochs"])
def test_a_difference_is_within_its_interval_as_often_as_promised(shape: str, n: int) -> None:
    draw = coverage.GRADED[shape]

    held = coverage.coverage(draw, coverage.truth_of(draw), difference_interval, n, 2_000)  # type: ignore[arg-type]

    noise = 3 * math.sqrt(0.05 * 0.95 / 2_000)
    assert held >= (0.935 if n < 200 else 0.94) - noise
    assert n < 200 or held <= 0.96 + noise


@pytest.mark.parametrize("n", [20, 50, 200, 1000])
def test_fixed_less_broken_is_within_its_interval_as_often_as_promised(n: int) -> None:
    gained, lost = 0.2, 0.05

    held = coverage.coverage(coverage.trinomial(gained, lost), gained - lost, coverage.of_passes, n, 4_000)

    noise = 3 * math.sqrt(0.05 * 0.95 / 4_000)
    assert held >= (0.935 if n < 200 else 0.94) - noise
    assert n < 200 or held <= 0.96 + noise


def test_a_percentile_bootstrap_would_not_pass_that_test() -> None:
    draw = coverage.GRADED["a tenth moved up"]
    picks = np.random.default_rng(3)

    def percentile(row: NDArray[np.float64]) -> tuple[float, float]:
        means = row[picks.integers(0, len(row), (300, len(row)))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    assert coverage.coverage(draw, coverage.truth_of(draw), percentile, 20, 1_000) < 0.90


def test_many_differences_without_skew_have_students_interval_but_for_what_was_not_seen() -> None:
    values = [-0.3, -0.1, 0.1, 0.3] * 600
    expected = stats.t.interval(0.95, len(values) - 1, 0, np.std(values, ddof=1) / math.sqrt(len(values)))

    low, high = difference_interval(values)

    assert (low, high) == pytest.approx(expected, rel=1e-3)
    assert low < expected[0]
    assert high > expected[1]


def test_one_case_that_was_not_seen_could_move_the_mean_of_few() -> None:
    twenty = difference_interval([0.1, 0.12] * 10)
    thousand = difference_interval([0.1, 0.12] * 500)

    assert twenty[0] < 0 < twenty[1]
    assert thousand == pytest.approx((0.11, 0.11), abs=0.002)


def test_a_few_values_that_carry_the_spread_make_even_many_unsure() -> None:
    few, many = [0.001] * 290 + [0.5] * 10, [0.0, 0.01, 0.02] * 100

    assert carriers(np.array(few)) == pytest.approx(10)
    assert carriers(np.array([0.7] * 9)) == 0
    assert carriers(np.array(many)) == pytest.approx(200)
    width = difference_interval(few)[1] - difference_interval(few)[0]
    # wider than Student's by the two made-up values at -1 and 1 beside variance of .0083
    assert width > 1.2 * 2 * 1.968 * float(np.std(few, ddof=1)) / math.sqrt(300)


def test_values_out_of_the_ordinary_range_are_not_cut() -> None:
    random = np.random.default_rng(1)
    values = random.normal(5, 1, 400)

    assert difference_interval(list(values)) == pytest.approx((4.93, 5.13), abs=0.15)
    assert mean_interval(list(values))[0] > 4.8


def test_few_cases_that_differ_leave_more_doubt_than_their_own_spread() -> None:
    values = [0.05, 0.04] + [0.0] * 18

    assert difference_interval(values)[0] < 0 < difference_interval(values)[1]
    assert difference_interval([0.0] * 20)[1] > 0.1
    assert difference_interval([0.5]) == (-1.0, 1.0)


def test_the_mean_of_scores_that_are_all_alike_is_not_certain() -> None:
    low, high = mean_interval([1.0] * 20)

    assert 0.7 < low < 0.95
    assert high == 1.0


def test_the_paired_test_is_scipys() -> None:
    first, second = [0.2, 0.5, 0.9, 0.4, 0.7], [0.4, 0.5, 1.0, 0.8, 0.6]
    differences = [b - a for a, b in zip(first, second, strict=True)]

    assert paired_p(differences) == pytest.approx(stats.ttest_rel(second, first).pvalue)
    assert paired_p([0.0] * 9) == 1.0


# -- clusters and many tests --------------------------------------------------------------------------------


def test_epochs_of_one_case_count_as_one() -> None:
    values = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    cases = ["a", "a", "b", "b", "c", "c"]

    assert clustered(values, cases) == pytest.approx([1.0, 0.0, 0.5])


def test_asking_each_case_twice_makes_nothing_surer() -> None:
    values, cases = [0.1, -0.2, 0.4, 0.3] * 6, [str(n) for n in range(24)]

    assert difference_interval(clustered(values * 2, cases * 2)) == difference_interval(values)


def test_the_correction_is_that_of_a_worked_example() -> None:
    # by hand: 4 x .01, 3 x .02, 2 x .03 is raised to none below .06, 1 x .04 likewise
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([]) == []
