"""Cohen's kappa and its interval: against scikit-learn, against published figures, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from engine.evals.stats.kappa import QUANTILE, kappa, kappa_interval


@pytest.mark.parametrize("table", [(20, 5, 10, 15), (1, 0, 0, 9), (0, 3, 4, 0), (7, 1, 0, 2)])
def test_kappa_is_that_of_scikit_learn(table: tuple[int, int, int, int]) -> None:
    pairs = [(1, 1)] * table[0] + [(1, 0)] * table[1] + [(0, 1)] * table[2] + [(0, 0)] * table[3]
    first, second = zip(*pairs, strict=True)

    assert kappa(*table) == pytest.approx(cohen_kappa_score(first, second))


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (5, 0, 0, 0), (0, 0, 0, 5)])
def test_one_word_alone_says_nothing_of_agreement(table: tuple[int, int, int, int]) -> None:
    assert kappa(*table) == 0
    assert kappa_interval(*table) == (-1, 1)


def test_the_interval_narrows_with_answers_and_is_never_a_point() -> None:
    few, many = kappa_interval(9, 0, 0, 9), kappa_interval(90, 0, 0, 90)

    assert few[1] == many[1] == 1
    assert few[0] < many[0] < 1


def test_the_quantile_is_that_of_chi_squared() -> None:
    from scipy.stats import chi2

    assert pytest.approx(chi2.ppf(0.95, 1)) == QUANTILE


@pytest.mark.parametrize("shares", [(0.45, 0.05, 0.05, 0.45), (0.4, 0.15, 0.05, 0.4), (0.3, 0.2, 0.2, 0.3)])
@pytest.mark.parametrize("n", [20, 200])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    shares: tuple[float, float, float, float], n: int
) -> None:
    scale = 1000
    truth = kappa(*(round(share * scale) for share in shares))
    tables = np.random.default_rng(5).multinomial(n, shares, size=1000)
    held = [low <= truth <= high for low, high in (kappa_interval(*map(int, table)) for table in tables)]

    assert 0.925 <= sum(held) / len(held) <= 0.975
