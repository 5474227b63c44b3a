"""Passes and fails: how sure a share is, and whether two variants differ on the same cases."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, sqrt

Z95 = 1.959963984540054  # the 97.5% quantile of the standard normal distribution


def standard_error(passed: int, n: int) -> float:
    """Standard error of the share passed / n: sqrt(p (1 - p) / n); 0 for no cases.

    The binomial standard error (Wasserman, All of Statistics, ch. 6). It is 0 at 0% and 100%, where the
    Wilson interval still says how little is known.
    """
    if n == 0:
        return 0.0
    share = passed / n
    return sqrt(share * (1 - share) / n)


def wilson_interval(passed: float, n: float, z: float = Z95) -> tuple[float, float]:
    """The interval of the true share at the confidence of `z` (95% by default), in [0, 1].

    The score interval of E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    JASA 22 (1927): centre (p + z²/2n) / (1 + z²/n), half width z sqrt(p(1-p)/n + z²/4n²) / (1 + z²/n).
    """
    if n == 0:
        return 0.0, 1.0
    share, square = passed / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, centre - half), min(1.0, centre + half)


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


def paired_interval(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """The 95% interval of the difference of two shares of the same cases, first less second, in [-1, 1].

    `both` passed under both variants, `first` under the first only, `second` under the second only.

    Method 10 of R. G. Newcombe, Improved confidence intervals for the difference between binomial proportions
    based on paired data, Statistics in Medicine 17 (1998): the Wilson intervals of either share, combined as
    the sides of a triangle, with the correlation of both (phi, corrected for continuity) as its angle. Zero
    cases tell nothing; unlike a normal approximation it keeps its width where the variants never differ.
    """
    n = both + first + second + neither
    if n == 0:
        return -1.0, 1.0
    one, other = (both + first) / n, (both + second) / n
    (low_one, high_one), (low_other, high_other) = (
        wilson_interval(both + first, n),
        wilson_interval(both + second, n),
    )
    product = float(both * neither - first * second)
    if product > 0:
        product = max(product - n / 2, 0.0)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    phi = product / sqrt(margins) if margins else 0.0
    below, above = one - low_one, high_one - one
    below_other, above_other = other - low_other, high_other - other
    down = sqrt(below**2 - 2 * phi * below * above_other + above_other**2)
    up = sqrt(above**2 - 2 * phi * above * below_other + below_other**2)
    return one - other - down, one - other + up


def score_interval(gained: int, lost: int, n: int) -> tuple[float, float]:
    """The 95% interval of a difference of two shares of the same `n` cases, (gained - lost) / n, in [-1, 1].

    `gained` cases passed under the second variant only, `lost` under the first only. The asymptotic score
    interval of T. Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998): all differences d that the test does not refuse,
    |gained - lost - n d| <= z sqrt(n (2 q + d (1 - d))), with q the likeliest share of lost cases under d.
    Of the intervals that were tried it alone keeps to its 95% where few cases differ (decision 0022).
    """
    if n == 0:
        return -1.0, 1.0
    middle = (gained - lost) / n

    def refused(difference: float) -> bool:
        linear = (2 * n - gained + lost) * difference - gained - lost
        square = linear * linear + 8 * n * lost * difference * (1 - difference)
        q = (sqrt(max(square, 0.0)) - linear) / (4 * n)
        variance = n * (2 * q + difference * (1 - difference))
        return abs(gained - lost - n * difference) > Z95 * sqrt(max(variance, 0.0))

    return _border(refused, middle, -1.0), _border(refused, middle, 1.0)


def _border(refused: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where `refused` begins on the way from `inside` to `outside`; `outside` where it does not."""
    if not refused(outside) or inside == outside:
        return outside
    for _ in range(60):  # halved until doubles end
        middle = (inside + outside) / 2
        if refused(middle):
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2
