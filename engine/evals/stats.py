"""Statistics of passes and fails, without scipy: how sure a score is, and whether two differ."""

from __future__ import annotations

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


def wilson_interval(passed: int, n: int, z: float = Z95) -> tuple[float, float]:
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
