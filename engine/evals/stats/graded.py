"""Graded scores in [0, 1]: intervals of their mean and of a paired difference.

Results that hang together (epochs and paraphrases of one question) are counted as one: see `clustered`.
Cases are taken as drawn at random; nothing here knows how they were chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import cbrt, sqrt
from typing import TYPE_CHECKING

from engine.evals.stats.paired import mcnemar_exact, score_interval
from engine.evals.stats.shares import exact_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""An error of the mean that is none: values that are equal as fractions may differ in their last bits."""
ENOUGH = 200
"""Values from which they themselves say how far off an unseen one may be."""
FEW = 12
"""With fewer values than this that carry the spread, it says too little of what was not seen."""
UNSEEN = 0.2
"""What an unseen value at either end of many values counts."""
FLAT = 1e-9
"""A skewness so small that the transformation is a shift."""


def difference_interval(
    differences: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> tuple[float, float]:
    """The 95% interval of the mean of paired differences, each in [-1, 1].

    Those of one cluster count as one value. Where all are -1, 0 or 1, that of fixed and broken cases; else
    made as `_interval` says. Values beyond -1 and 1 widen it: they are all that is known of the ends.
    """
    import numpy as np

    values = _values(differences, clusters)
    if np.isin(values, (-1.0, 0.0, 1.0)).all():
        return score_interval(int((values > 0).sum()), int((values < 0).sum()), len(values))
    widest = max(1.0, float(np.abs(differences).max()))
    return _interval(values, -widest, widest)


def mean_interval(scores: Sequence[float], clusters: Sequence[Hashable] | None = None) -> tuple[float, float]:
    """The 95% interval of the mean of scores in [0, 1].

    Those of one cluster count as one value. Where all are 0 or 1, that of a share; else made as that of
    differences.
    """
    import numpy as np

    values = _values(scores, clusters)
    if np.isin(values, (0.0, 1.0)).all():
        return exact_interval(int(values.sum()), len(values))
    return _interval(values, min(0.0, float(np.min(scores))), max(1.0, float(np.max(scores))))


def paired_p(differences: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """Two-sided p-value that the mean of paired differences is 0, those of one cluster counted as one value.

    Where all are -1, 0 or 1, exact McNemar. Else Student's paired t-test; where all are alike it has no
    spread to go by, and they are counted as cases that all changed in one direction.
    """
    import numpy as np
    from scipy.special import stdtr

    values = _values(differences, clusters)
    n = len(values)
    if np.isin(values, (-1.0, 0.0, 1.0)).all():
        return mcnemar_exact(int((values > 0).sum()), int((values < 0).sum()))
    error = float(values.std(ddof=1)) / sqrt(n) if n > 1 else 0.0
    if error < ROUNDING:
        return mcnemar_exact(n, 0)
    return float(2 * stdtr(n - 1, -abs(float(values.mean())) / error))


def clustered(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """A value per cluster, in the order of its first: they have the same mean, and are independent.

    The mean as a ratio of two sums, linearised (W. G. Cochran, Sampling Techniques, 1977, section 6.4): the
    mean, and how far the cluster's sum is off it for its number of values, by the usual number. Of clusters
    of one size each is the mean of its own.
    """
    sums: dict[Hashable, float] = defaultdict(float)
    sizes: dict[Hashable, int] = defaultdict(int)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value
        sizes[cluster] += 1
    if not sums:
        return []
    mean, usual = sum(values) / len(values), len(values) / len(sums)
    return [(total + (usual - sizes[cluster]) * mean) / usual for cluster, total in sums.items()]


def _values(values: Sequence[float], clusters: Sequence[Hashable] | None) -> Floats:
    """As an array, a value per cluster. Raises ValueError for what is no number: it would hide in a mean."""
    import numpy as np

    found = np.asarray(values if clusters is None else clustered(values, clusters), dtype=float)
    if not np.isfinite(found).all():
        raise ValueError("scores must be finite numbers")
    return found


def _interval(values: Floats, low: float, high: float) -> tuple[float, float]:
    """The interval of the mean of values that lie in [`low`, `high`]; all of it for fewer than two.

    Below ENOUGH values, and where fewer than FEW of them carry the spread, a few unseen ones could move the
    mean further than those that were seen tell: Student's t with a made-up value beside the data at either
    end of what a value can be. D. G. Bonett and R. M. Price (Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, JEBS 37 (2012)) do that for shares. The two count
    1 - n / (2 ENOUGH). From ENOUGH on t on a scale that takes the skewness out, with made-up values at the
    ends of the data that count UNSEEN. How often they hold the truth: decision 0028.
    """
    n = len(values)
    if n < 2:
        return low, high
    few = carriers(values) < FEW
    if n < ENOUGH or few:
        found = _padded(values, low, high, 1.0 if few else 1 - n / (2 * ENOUGH))
    else:
        found = _unskewed(values)
    return max(found[0], low), min(found[1], high)


def carriers(values: Floats) -> float:
    """How many values carry the spread around the median: (sum of |d|)² / sum of d²; 0 where all are alike.

    Kish's effective sample size (Survey Sampling, 1965) with distances for weights: all n where they are
    alike, 1 where a single value is off.
    """
    import numpy as np

    away = np.abs(values - np.median(values))
    squares = float((away * away).sum())
    return float(away.sum()) ** 2 / squares if squares else 0.0


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

    P. Hall, On the removal of skewness by transformation, JRSS B 54 (1992). `s` is the skewness, `r` the root
    of the number of values. The spread is that of the values and of two that count UNSEEN each, as far off
    as the farthest: a heavy tail that few samples show is the usual reason to be wrong.
    """
    import numpy as np

    n, mean = len(values), float(values.mean())
    away = values - mean
    root, skewness = sqrt(n), float((away**3).mean()) / float(values.std(ddof=1)) ** 3
    farthest = float(np.abs(away).max())
    spread = sqrt((float((away * away).sum()) + 2 * UNSEEN * farthest * farthest) / (n - 1))

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
