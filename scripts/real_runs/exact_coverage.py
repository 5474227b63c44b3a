"""How often the intervals of passes and fails hold the truth, worked out: sums of probabilities, no chance.

For a single share over a fine grid of true shares, for fixed less broken cases over a grid of how many differ
and how many of these were fixed. Nothing here is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import binom

from engine.evals.stats import exact_interval, score_interval

Floats = NDArray[np.float64]

SIZES = (20, 50, 200, 1000)
SHARES = 1_999
DIFFER = (0.5, 1, 2, 3, 4, 4.5, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 28, 40, 60, 90, 140)
"""Cases that are expected to differ."""
ALIKE = (0.0, 0.2, 0.4, 1.0, 2.0, 4.0)
"""Cases that are expected not to, where nearly all do."""
FIXED = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 1.0)
"""The share of those that differ that were fixed."""
ENOUGH = 20
"""Cases expected of the rarer kind (passes and fails; differing and alike) from which 96% is held to."""
ALMOST_SURE = 1e-9
LOW, HIGH = 0.94, 0.9635


class Covered(msgspec.Struct):
    """Of a grid of truths the lowest and the mean coverage; lowest and highest where ENOUGH is expected."""

    least: float
    mean: float
    low: float
    high: float


Found = dict[int, Covered]


def share_coverage(n: int, truths: Floats) -> Floats:
    """The probability that the interval of a share holds it, for each of the true shares."""
    counts = np.arange(n + 1)
    half = np.array([exact_interval(count, n) for count in range(n // 2 + 1)])
    ends = np.concatenate([half, 1 - half[: (n + 1) // 2, ::-1][::-1]])  # it mirrors passes and fails
    held = (ends[:, :1] <= truths + 1e-12) & (ends[:, 1:] >= truths - 1e-12)
    return np.asarray((binom.pmf(counts[:, None], n, truths) * held).sum(axis=0))


def shares(sizes: tuple[int, ...] = SIZES) -> Found:
    """The coverage of a single share."""
    truths = np.linspace(0, 1, SHARES + 2)[1:-1]
    expected = {n: n * np.minimum(truths, 1 - truths) for n in sizes}
    return {n: _covered(share_coverage(n, truths), expected[n]) for n in sizes}


def out_of_reach(n: int) -> float:
    """The highest expected number of the rarer kind for which no interval whatever covers 94 to 96%.

    An interval that takes counts in their order holds a share for a run of counts: none has that probability.
    """
    expected = np.linspace(0.01, min(n / 2, ENOUGH), 2_000)
    most = min(n, 4 * ENOUGH)  # counts above it have no probability to speak of
    below = binom.cdf(np.arange(-1, most + 1)[:, None], n, expected / n)
    reached = np.zeros(len(expected), dtype=bool)
    for first in range(most + 1):
        runs = below[first + 1 :] - below[first]
        reached |= ((runs >= LOW) & (runs <= 0.96)).any(axis=0)
    return float(expected[~reached].max(initial=0.0))


def pair_coverage(n: int, gained: float, lost: float) -> float:
    """The probability that the interval of fixed less broken cases holds its truth."""
    likely = [
        range(int(binom.ppf(ALMOST_SURE, n, share)), int(binom.isf(ALMOST_SURE, n, share)) + 1)
        for share in (gained, lost)
    ]
    rates = (gained, lost, max(0.0, 1 - gained - lost))
    held = 0.0
    for up, down in product(*likely):
        if up + down > n:
            continue
        low, high = _interval(up, down, n)
        if low - 1e-12 <= gained - lost <= high + 1e-12:
            held += np.exp(_log_probability((up, down, n - up - down), rates))
    return float(held)


def truths_of_pairs(n: int) -> Iterator[tuple[float, float]]:
    """Shares of gained and of lost cases."""
    differ = [one for one in DIFFER if one <= 0.8 * n] + [n - one for one in ALIKE if n <= SIZES[2]]
    for many, fixed in product(differ, FIXED):
        yield many / n * fixed, many / n * (1 - fixed)


def pairs(sizes: tuple[int, ...] = SIZES) -> Found:
    """The coverage of fixed less broken."""
    found: Found = {}
    for n in sizes:
        truths = list(truths_of_pairs(n))
        held = np.array([pair_coverage(n, gained, lost) for gained, lost in truths])
        differ = np.array([sum(one) for one in truths])
        found[n] = _covered(held, n * np.minimum(differ, 1 - differ))
    return found


def bad(single: Found, paired: Found) -> list[str]:
    """What is outside of what is promised."""
    said = []
    for kind, found in (("share", single), ("pair", paired)):
        for n, one in found.items():
            if one.least < LOW - 1e-6:
                said.append(f"a {kind}, n = {n}: {one.least:.2%}")
            if n >= 200 and one.high > HIGH:
                said.append(f"a {kind}, n = {n}: up to {one.high:.2%}")
    return said


def words(found: Found) -> str:
    """The figures in a line."""
    return "; ".join(
        f"n = {n}: lowest {one.least:.2%}, mean {one.mean:.2%}"
        + (f", {one.low:.2%} to {one.high:.2%} from {ENOUGH} cases on" if one.high else "")
        for n, one in found.items()
    )


def _covered(held: Floats, expected: Floats) -> Covered:
    inner = held[expected >= ENOUGH]
    low = float(inner.min(initial=1.0)) if inner.size else 0.0
    return Covered(float(held.min()), float(held.mean()), low, float(inner.max(initial=0.0)))


_known: dict[tuple[int, int, int], tuple[float, float]] = {}


def _interval(up: int, down: int, n: int) -> tuple[float, float]:
    if (up, down, n) not in _known:
        _known[up, down, n] = score_interval(up, down, n)
    return _known[up, down, n]


def _log_probability(counts: tuple[int, ...], shares: tuple[float, ...]) -> float:
    """Of a multinomial outcome."""
    found = float(gammaln(sum(counts) + 1))
    for count, share in zip(counts, shares, strict=True):
        if count:
            found += count * float(np.log(share)) if share > 0 else -np.inf
        found -= float(gammaln(count + 1))
    return found
