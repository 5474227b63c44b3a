"""A single share: its standard error, and its interval from the exact binomial test.

Knows nothing of pairs and of results that hang together.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.05
EXCESS, MOST_EXCESS = 0.08, 0.01
"""What counts being whole numbers makes of a level, by the root of n; and how much of that is given back."""
STEPS = 2_000
"""Shares that are tried on the way from outside to an end of the interval."""
ROUNDS = 3
"""How often the last step is divided again: the end is then right to 1e-9, and rounded outwards."""


def standard_error(passed: int, n: int) -> float:
    """Standard error of the share passed / n: sqrt(p (1 - p) / n); 0 for no cases.

    The binomial standard error (Wasserman, All of Statistics, ch. 6). It is 0 at 0% and 100%, where the exact
    interval still says how little is known.
    """
    if n == 0:
        return 0.0
    share = passed / n
    return sqrt(share * (1 - share) / n)


@lru_cache(maxsize=8192)
def exact_interval(passed: int, n: int) -> tuple[float, float]:
    """The 95% interval of the true share of which `passed` of `n` were seen, in [0, 1].

    H. Blaker, Confidence curves and improved exact confidence intervals for discrete distributions, Canadian
    Journal of Statistics 28 (2000): the shares under which what was seen, with all on the other side that is
    no likelier, has a probability of `level(n)` or more.
    """
    if n == 0:
        return 0.0, 1.0
    return 1 - _high_end(n - passed, n), _high_end(passed, n)


def level(n: int) -> float:
    """The level at which shares are refused, so that they are held in 95% of samples on average.

    At 5% an exact test of whole numbers refuses less: a share of `n` is held in 95% + EXCESS / sqrt(n) of
    samples, averaged over all shares. Up to MOST_EXCESS of it is given back, so that no share whatever is
    held in fewer than 94% (decision 0028; Wilson's interval holds a share of 1% in 84% of samples of 20).
    """
    return LEVEL + min(MOST_EXCESS, EXCESS / sqrt(n))


def _high_end(passed: int, n: int) -> float:
    """The largest share that is not refused, looked for from Clopper and Pearson's end inwards."""
    import numpy as np
    from scipy.special import betaincinv

    if passed == n:
        return 1.0
    refused_at, inside = level(n), passed / n
    outside = float(betaincinv(passed + 1, n - passed, 1 - refused_at / 2))
    for _ in range(ROUNDS):
        tried = np.linspace(outside, inside, STEPS)
        first = int(np.argmax(acceptability(passed, n, tried) >= refused_at))
        if first == 0:
            return outside
        outside, inside = float(tried[first - 1]), float(tried[first])
    return outside


def acceptability(passed: int, n: int, shares: Floats) -> Floats:
    """For true shares above passed / n the p-value of `passed`: the tail below, and of that above no more."""
    import numpy as np
    from scipy.special import bdtr, bdtrc

    tail = bdtr(passed, n, shares)
    other = np.clip(np.ceil(2 * n * shares - passed), passed + 1, n + 1)  # about as far off
    while (over := (other <= n) & (bdtrc(other - 1, n, shares) > tail)).any():
        other = other + over
    while (under := (other > passed + 1) & (bdtrc(other - 2, n, shares) <= tail)).any():
        other = other - under
    above = np.where(other <= n, bdtrc(np.minimum(other, n) - 1, n, shares), 0.0)
    return np.asarray(np.minimum(1.0, tail + above))
