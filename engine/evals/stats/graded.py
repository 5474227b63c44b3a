"""Graded scores in [0, 1]: intervals of their mean and of a paired difference.

Results that hang together (epochs and paraphrases of one question) are counted as one: see `clustered`.
Cases are taken as drawn at random; nothing here knows how they were chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import cbrt, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENOUGH = 200
"""Values from which nothing is added to them (see `difference_interval`)."""
FEW = 15
"""With fewer values unlike 0 than this their spread says too little of what was not seen."""
FLAT = 1e-9
"""A skewness so small that the transformation is a shift."""


def difference_interval(differences: Sequence[float], widest: float = 1.0) -> tuple[float, float]:
    """The 95% interval of the mean of paired differences, each in [-`widest`, `widest`].

    From ENOUGH values on: Student's t on a scale that takes the skewness out (P. Hall, On the removal of
    skewness by transformation, JRSS B 54 (1992)). Below, and where fewer than FEW values differ from 0, t
    with two made-up values beside the data, one at either end of what a difference can be: D. G. Bonett and
    R. M. Price (Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data, JEBS 37 (2012)) do that for shares. Where enough values differ, the ends are those of the data, and
    the two count less the nearer their number is to ENOUGH. How often it holds the truth: decision 0022.
    """
    import numpy as np

    values = np.asarray(differences, dtype=float)
    if len(values) < 2:
        return -widest, widest
    if np.count_nonzero(values) < FEW:
        return _within(_padded(values, -widest, widest, 1.0), -widest, widest)
    end = float(np.abs(values).max())
    return _within(_interval(values, -end, end), -widest, widest)


def mean_interval(scores: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of the mean of scores in [0, 1]; all of [0, 1] for a single one.

    Made as that of differences; fewer than FEW scores unlike the most frequent one are few.
    """
    import numpy as np

    values = np.asarray(scores, dtype=float)
    if len(values) < 2:
        return 0.0, 1.0
    if len(values) - np.unique(values, return_counts=True)[1].max() < FEW:
        return _within(_padded(values, 0.0, 1.0, 1.0), 0.0, 1.0)
    middle = float(values.mean())
    end = float(np.abs(values - middle).max())
    return _within(_interval(values, middle - end, middle + end), 0.0, 1.0)


def paired_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of Student's paired t-test that their mean is 0; 1 where all are 0."""
    import numpy as np
    from scipy.special import stdtr

    values = np.asarray(differences, dtype=float)
    n = len(values)
    if n < 2 or not values.any():
        return 1.0
    error = float(values.std(ddof=1)) / sqrt(n)
    if error == 0:
        return 0.0
    return float(2 * stdtr(n - 1, -abs(float(values.mean())) / error))


def clustered(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """A value per cluster, in the order of its first: they have the same mean, and are independent.

    Each is the cluster's sum, scaled by clusters / values: the mean as a ratio of two sums, linearised
    (W. G. Cochran, Sampling Techniques, 1977, section 6.4, for clusters of like size).
    """
    sums: dict[Hashable, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value
    scale = len(sums) / len(values) if values else 1.0
    return [total * scale for total in sums.values()]


def _interval(values: Floats, low: float, high: float) -> tuple[float, float]:
    """The interval of many values; the made-up ones, while they count, are `low` and `high`."""
    n = len(values)
    return _padded(values, low, high, 1 - n / ENOUGH) if n < ENOUGH else _unskewed(values)


def _padded(values: Floats, low: float, high: float, weight: float) -> tuple[float, float]:
    """Student's t with a value at `low` and one at `high` beside the data, each counting `weight`."""
    n = len(values)
    total = n + 2 * weight
    mean = (float(values.sum()) + weight * (low + high)) / total
    squares = float(((values - mean) ** 2).sum()) + weight * ((low - mean) ** 2 + (high - mean) ** 2)
    half = _quantile(n) * sqrt(squares / total / (total - 1))
    return mean - half, mean + half


def _unskewed(values: Floats) -> tuple[float, float]:
    """Hall's cubic transformation of t, turned back: x + g x² + g² x³ / 3 + s / (6 r), g = s / (3 r).

    `s` is the skewness, `r` the root of the number of values. Without skewness it is Student's own interval.
    """
    n, mean = len(values), float(values.mean())
    spread = float(values.std(ddof=1))
    if spread == 0:
        return mean, mean
    root = sqrt(n)
    skewness = float(((values - mean) ** 3).mean()) / spread**3

    def back(x: float) -> float:
        moved = x - skewness / (6 * root)
        if abs(skewness) < FLAT:
            return moved
        bend = skewness / (3 * root)
        return (cbrt(1 + 3 * bend * moved) - 1) / bend

    quantile, error = _quantile(n), spread / root
    return mean - error * back(quantile), mean - error * back(-quantile)


def _quantile(n: int) -> float:
    """The 97.5% quantile of Student's t for `n` values."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975))


def _within(interval: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    return max(interval[0], low), min(interval[1], high)
