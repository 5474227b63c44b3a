"""The interval of a share whose answers are gone: as wide as it would have been with them."""

from __future__ import annotations

import pytest

from engine.evals.stats import standard_error, wilson_interval
from engine.evals.stats.effective import share_interval


@pytest.mark.parametrize(("passed", "n"), [(1, 20), (41, 82), (76, 82), (999, 1000)])
def test_of_independent_cases_it_is_the_wilson_interval(passed: int, n: int) -> None:
    found = share_interval(passed / n, standard_error(passed, n), None)
    assert found == pytest.approx(wilson_interval(passed, n))


@pytest.mark.parametrize("passed", [0, 82])
def test_where_all_are_alike_the_number_of_cases_says_how_sure_it_is(passed: int) -> None:
    assert share_interval(passed / 82, 0.0, 82) == pytest.approx(wilson_interval(passed, 82))


def test_cases_that_hang_together_make_it_wider() -> None:
    alone = share_interval(0.5, 0.05, None)
    together = share_interval(0.5, 0.1, None)
    assert alone is not None
    assert together is not None
    assert together[0] < alone[0] < 0.5 < alone[1] < together[1]


def test_without_a_number_of_cases_nothing_is_said_at_the_ends() -> None:
    assert share_interval(1.0, 0.0, None) is None
    assert share_interval(0.7, 0.0, 10) is None
