"""How small a difference so many cases can show. Pure: numbers in, numbers out."""

from __future__ import annotations

from math import sqrt

from engine.evals.stats.paired import Z95

Z80 = 0.8416212335729143  # the 80% quantile of the standard normal distribution
SURE = 6
"""Fewer cases that all changed in one direction are no proof: exact McNemar says .0625 of five."""
AT_LEAST = 0.02
"""The share of cases that change sides between any two models, where fewer were seen."""


def detectable(n: int, changed: int) -> float:
    """The least difference of two shares of the same `n` cases that is found in four of five tries, or 1.

    `changed` of them were seen to change sides; the more do, the more a difference hides among them. The
    smallest d with n d² >= (z sqrt(q) + z' sqrt(q - d²))², q the share that changes (never below d), z and z'
    for 5% on both sides and 80%: R. J. Connor, Sample size for testing differences in proportions for the
    paired-sample design, Biometrics 43 (1987). Never below what an exact test of SURE cases needs.
    """
    if n < SURE:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):  # halved until it no longer shows
        middle = (low + high) / 2
        share = max(changed / n, AT_LEAST, middle)
        needed = (Z95 * sqrt(share) + Z80 * sqrt(share - middle * middle)) ** 2
        low, high = (low, middle) if n * middle * middle >= needed else (middle, high)
    return min(1.0, max(high, SURE / n))
