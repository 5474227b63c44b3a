"""Two variants on the same cases: whether and how far they differ, from the cases that only one passes."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, sqrt

from engine.evals.stats.shares import exact_interval

Z95 = 1.959963984540054  # the 97.5% quantile of the standard normal distribution
ADDED = 0.05
"""Of a case, added to those gained and to those lost: few that differ could have been one more."""
HALVINGS = 60


def mcnemar_exact(fixed: int, broken: int) -> float:
    """Two-sided p-value that two variants are equally good, from the cases on which they differ.

    `fixed` failed under the first and passed under the second, `broken` the reverse. Under the null each such
    case is a fair coin, so p = min(1, 2 P(X <= min)), X binomial(fixed + broken, 1/2): the exact form of
    Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12
    (1947).
    """
    differing = fixed + broken
    if differing == 0:
        return 1.0
    tail = sum(comb(differing, count) for count in range(min(fixed, broken) + 1))
    return min(1.0, float(2 * tail / 2**differing))


def score_interval(gained: int, lost: int, n: int) -> tuple[float, float]:
    """The 95% interval of a difference of two shares of the same `n` cases, (gained - lost) / n, in [-1, 1].

    `gained` cases passed under the second variant only, `lost` under the first only. Tango's score interval
    with ADDED cases, widened to the exact interval of a single share where the cases are as good as of one:
    Tango's alone falls to 93.2% where five of hundreds of cases differ and to 90.5% where nearly all do, this
    one to 94.0% whatever the shares (worked out over a grid of both: decision 0028).
    """
    if n == 0:
        return -1.0, 1.0
    low, high = _tango(gained + ADDED, lost + ADDED, n + 2 * ADDED)
    for one_low, one_high in _of_one_share(gained, lost, n):
        low, high = min(low, one_low), max(high, one_high)
    return low, high


def _of_one_share(gained: int, lost: int, n: int) -> list[tuple[float, float]]:
    """Exact intervals of the difference where nothing was lost, or gained, or almost no case stayed the same.

    Where none stayed, the difference is 2 s - 1, s the share gained; a single one that stayed counts as
    gained for the high end and as lost for the low end.
    """
    found = []
    if lost == 0:
        found.append(exact_interval(gained, n))
    if gained == 0:
        low, high = exact_interval(lost, n)
        found.append((-high, -low))
    if (stayed := n - gained - lost) <= 1:
        found.append((2 * exact_interval(gained, n)[0] - 1, 2 * exact_interval(gained + stayed, n)[1] - 1))
    return found


def _tango(gained: float, lost: float, n: float) -> tuple[float, float]:
    """The asymptotic score interval of T. Tango, Equivalence test and confidence interval for the difference
    in proportions for the paired-sample design, Statistics in Medicine 17 (1998): all differences d that the
    test does not refuse, |gained - lost - n d| <= z sqrt(n (2 q + d (1 - d))), with q the likeliest share of
    lost cases under d.
    """

    def refused(difference: float) -> bool:
        linear = (2 * n - gained + lost) * difference - gained - lost
        square = linear * linear + 8 * n * lost * difference * (1 - difference)
        q = (sqrt(max(square, 0.0)) - linear) / (4 * n)
        variance = n * (2 * q + difference * (1 - difference))
        return abs(gained - lost - n * difference) > Z95 * sqrt(max(variance, 0.0))

    middle = (gained - lost) / n
    return _border(refused, middle, -1.0), _border(refused, middle, 1.0)


def _border(refused: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where `refused` begins on the way from `inside` to `outside`; `outside` where it does not."""
    if not refused(outside) or inside == outside:
        return outside
    for _ in range(HALVINGS):  # until doubles end
        middle = (inside + outside) / 2
        if refused(middle):
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2
