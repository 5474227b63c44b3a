"""Statistics against values worked out elsewhere: by hand, or read off published tables."""

from __future__ import annotations

import pytest

from engine.evals.stats import mcnemar_exact, paired_interval, standard_error, wilson_interval


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
