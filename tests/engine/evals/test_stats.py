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
    paired_p,
    score_interval,
    standard_error,
)
from engine.evals.stats.graded import carriers
from engine.evals.stats.paired import ADDED
from engine.evals.stats.shares import level
from scripts.real_runs import coverage, exact_coverage


@pytest.mark.parametrize(
    ("passed", "n", "error"),
    [(5, 10, 0.158113883), (80, 100, 0.04), (0, 10, 0.0), (10, 10, 0.0), (0, 0, 0.0)],
)
def test_the_standard_error_is_that_of_a_share(passed: int, n: int, error: float) -> None:
    assert standard_error(passed, n) == pytest.approx(error)


def test_no_cases_tell_nothing() -> None:
    assert exact_interval(0, 0) == mean_interval([]) == (0.0, 1.0)
    assert score_interval(0, 0, 0) == difference_interval([]) == (-1.0, 1.0)
    assert paired_p([]) == 1.0


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


# -- the exact interval -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "n"), [(0, 20), (1, 20), (4, 20), (10, 20), (3, 7), (20, 20), (37, 300)])
def test_the_exact_interval_lies_within_clopper_and_pearsons(passed: int, n: int) -> None:
    low, high = exact_interval(passed, n)
    outer = stats.binomtest(passed, n).proportion_ci()

    assert outer.low - 1e-9 <= low <= passed / n <= high <= outer.high + 1e-9
    assert exact_interval(n - passed, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("passed", "n"), [(2, 11), (5, 20), (17, 60)])
def test_the_exact_interval_ends_where_its_p_value_by_brute_force_falls_under_the_level(
    passed: int, n: int
) -> None:
    low, high = exact_interval(passed, n)

    for inside, outside in ((low + 1e-4, low - 1e-4), (high - 1e-4, high + 1e-4)):
        assert blaker_p(passed, n, inside) >= level(n) > blaker_p(passed, n, outside)


def blaker_p(passed: int, n: int, share: float) -> float:
    """From the definition: the probability of all counts whose own smaller tail is no larger."""
    weights = [stats.binom.pmf(count, n, share) for count in range(n + 1)]
    tails = [min(sum(weights[count:]), sum(weights[: count + 1])) for count in range(n + 1)]
    return float(sum(w for w, tail in zip(weights, tails, strict=True) if tail <= tails[passed] * (1 + 1e-9)))


@pytest.mark.parametrize("n", [5, 20, 50, 200])
def test_a_share_is_held_in_94_of_100_samples_whatever_it_is_and_in_95_on_average(n: int) -> None:
    held = exact_coverage.share_coverage(n, np.linspace(0.0005, 0.9995, 2_000))

    assert held.min() >= 0.94 - 1e-6
    assert held.mean() >= 0.95
    assert n < 200 or held.mean() <= 0.952


def test_a_share_of_exactly_a_half_is_not_lost_to_rounding() -> None:
    [held] = exact_coverage.share_coverage(5, np.array([0.5]))

    assert held == pytest.approx(1)  # none and all of five are as likely as .03 each: more than the level


def test_shares_of_many_cases_are_held_in_94_to_96_of_100_samples() -> None:
    truths = np.linspace(0.1, 0.9, 801)
    held = exact_coverage.share_coverage(200, truths)

    assert 0.94 <= held.min() <= held.max() <= 0.9605


@pytest.mark.parametrize(
    ("n", "gained", "lost"),
    [
        (20, 0.01, 0.0),
        (20, 0.97, 0.0098),
        (20, 0.9025, 0.0475),
        (50, 0.24, 0.0),
        (50, 0.98, 0.0),
        (50, 0.3, 0.3),
        (200, 0.02, 0.0),
        (200, 0.021375, 0.001125),
        (200, 0.026, 0.0065),
        (200, 0.995, 0.0),
    ],
)
def test_fixed_less_broken_is_held_in_94_of_100_samples_where_few_or_nearly_all_differ(
    n: int, gained: float, lost: float
) -> None:
    assert exact_coverage.pair_coverage(n, gained, lost) >= 0.94


# -- the score interval -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gained", "lost", "n"), [(5, 2, 20), (7, 33, 100), (12, 12, 30), (1, 1, 1000)])
def test_the_score_interval_ends_where_the_test_just_refuses(gained: int, lost: int, n: int) -> None:
    low, high = score_interval(gained, lost, n)

    assert score_interval(lost, gained, n) == pytest.approx((-high, -low))
    for end in (low, high):
        statistic = tango_statistic(gained + ADDED, lost + ADDED, n + 2 * ADDED, end)
        assert abs(statistic) == pytest.approx(1.959963985, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 300])
def test_the_difference_that_was_seen_is_always_within_its_interval(n: int) -> None:
    for gained, lost in ((0, 0), (n, 0), (0, n), (n - 1, 1), (n - 1, 0), (n // 2, n - n // 2)):
        low, high = score_interval(gained, lost, n)

        assert -1 <= low <= (gained - lost) / n <= high <= 1


def test_where_nothing_was_lost_it_is_no_surer_than_the_share_that_was_gained() -> None:
    low, high = exact_interval(4, 200)

    assert score_interval(4, 0, 200)[0] <= low
    assert score_interval(4, 0, 200)[1] >= high


def tango_statistic(gained: float, lost: float, n: float, difference: float) -> float:
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


def test_passes_and_fails_get_exact_mcnemar_and_their_own_intervals_however_they_come() -> None:
    differences = [1.0] * 7 + [-1.0] * 2 + [0.0] * 21

    assert paired_p(differences) == mcnemar_exact(7, 2)
    assert difference_interval(differences) == score_interval(7, 2, 30)
    assert mean_interval([1.0] * 7 + [0.0] * 3) == exact_interval(7, 10)


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.1] * 3 + [0.1 + 1e-16] * 2])
def test_differences_that_are_all_alike_are_no_proof_when_they_are_few(values: list[float]) -> None:
    assert paired_p(values) == mcnemar_exact(len(values), 0) > 0.05
    assert paired_p([0.7]) == 1.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_refused_and_does_not_hide_in_a_mean(wrong: float) -> None:
    for function in (mean_interval, difference_interval, paired_p):
        with pytest.raises(ValueError, match="finite"):
            function([0.2, wrong])


# -- clusters and many tests --------------------------------------------------------------------------------


def test_epochs_of_one_case_count_as_one() -> None:
    values = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    cases = ["a", "a", "b", "b", "c", "c"]

    assert clustered(values, cases) == pytest.approx([1.0, 0.0, 0.5])


def test_clusters_of_other_sizes_keep_the_mean_and_add_no_spread_of_their_own() -> None:
    values, cases = [0.9] * 6, ["a", "b", "b", "b", "b", "c"]

    assert clustered(values, cases) == pytest.approx([0.9, 0.9, 0.9])
    mixed = clustered([1.0, 0.0, 1.0, 1.0, 1.0, 0.0], cases)
    assert sum(mixed) / 3 == pytest.approx(4 / 6)


def test_asking_each_case_twice_makes_nothing_surer() -> None:
    values, cases = [0.1, -0.2, 0.4, 0.3] * 6, [str(n) for n in range(24)]

    assert difference_interval(values * 2, cases * 2) == difference_interval(values)
    assert paired_p(values * 2, cases * 2) == paired_p(values)
    assert mean_interval([1.0, 0.0, 1.0] * 2, "abcabc") == mean_interval([1.0, 0.0, 1.0])


def test_epochs_of_unequal_number_are_held_as_often_as_promised() -> None:
    """Cases have rates of their own and are asked once to six times."""
    random, held, truth = np.random.default_rng(5), 0, 0.8
    for _ in range(400):
        times = random.integers(1, 7, 60)
        rates = random.beta(4, 1, 60)
        passes = [
            float(random.random() < rate)
            for rate, often in zip(rates, times, strict=True)
            for _ in range(often)
        ]
        cases = [case for case, often in enumerate(times) for _ in range(often)]
        low, high = mean_interval(passes, cases)
        held += low <= truth <= high
    assert held / 400 >= 0.935 - 3 * math.sqrt(0.05 * 0.95 / 400)


def test_the_correction_is_that_of_a_worked_example() -> None:
    # by hand: 4 x .01, 3 x .02, 2 x .03 is raised to none below .06, 1 x .04 likewise
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([]) == []
