"""The exact interval of a single share: it holds the truth at least as often as it says, whatever the share.

Knows nothing of pairs and of results that hang together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.05
STEPS = 2_000
"""Shares that are tried on the way from outside to an end of the interval, before it is halved."""
HALVINGS = 40
ROUNDING = 1e-9
"""Tails that are equal by symmetry may differ in their last bits."""


def exact_interval(passed: int, n: int) -> tuple[float, float]:
    """The 95% interval of the true share of which `passed` of `n` were seen, in [0, 1].

    H. Blaker, Confidence curves and improved exact confidence intervals for discrete distributions, Canadian
    Journal of Statistics 28 (2000): the shares under which what was seen, with all on the other side that is
    no likelier, has a probability of 5% or more. It lies within Clopper and Pearson's. Wilson's holds a share
    of 1% in 84% of samples of 20, this one any share in at least 95% (decision 0028). Takes 30 ms.
    """
    from scipy.special import betaincinv

    if n == 0:
        return 0.0, 1.0
    if 2 * passed > n:
        low, high = exact_interval(n - passed, n)
        return 1 - high, 1 - low
    middle = passed / n
    lowest = float(betaincinv(passed, n - passed + 1, LEVEL / 2)) if passed else 0.0
    highest = float(betaincinv(passed + 1, n - passed, 1 - LEVEL / 2))
    return (_end(passed, n, lowest, middle) if passed else 0.0), _end(passed, n, highest, middle)


def _end(passed: int, n: int, outside: float, inside: float) -> float:
    """The first share on the way from Clopper and Pearson's end inwards that is not refused."""
    import numpy as np

    tried = np.linspace(outside, inside, STEPS)
    first = int(np.argmax(acceptability(passed, n, tried) >= LEVEL))
    if first == 0:
        return outside
    refused, kept = float(tried[first - 1]), float(tried[first])
    for _ in range(HALVINGS):
        middle = (refused + kept) / 2
        if acceptability(passed, n, np.array([middle]))[0] >= LEVEL:
            kept = middle
        else:
            refused = middle
    return kept


def acceptability(passed: int, n: int, shares: Floats) -> Floats:
    """For each true share the p-value of `passed` of `n`: its smaller tail, and of the other no more."""
    import numpy as np
    from scipy.stats import binom

    above, below = binom.sf(passed - 1, n, shares), binom.cdf(passed, n, shares)
    tail = np.minimum(above, below)
    low = binom.ppf(tail, n, shares)  # the least count whose tail below reaches `tail`
    low = np.where(binom.cdf(low, n, shares) <= tail * (1 + ROUNDING), low, low - 1)
    high = binom.isf(tail, n, shares)  # the least count with no more than `tail` above it
    other = np.where(above < below, binom.cdf(low, n, shares), binom.sf(high, n, shares))
    return np.asarray(np.minimum(1.0, tail + other))
