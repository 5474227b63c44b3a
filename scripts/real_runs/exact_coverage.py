"""How often the intervals of passes and fails hold the truth, worked out: sums of probabilities, no chance.

For a single share over a fine grid of true shares, for fixed less broken cases over a grid of both. Nothing
here is simulated.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import binom

from engine.evals.stats import exact_interval, score_interval

Floats = NDArray[np.float64]
Found = dict[int, tuple[float, float, float]]
"""By n the lowest coverage there is, then lowest and highest where enough is expected (ENOUGH)."""

SIZES = (20, 50, 200, 1000)
SHARES = 1_999
PAIRS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
ENOUGH = 20
"""Cases expected of the rarer kind (of a share), or to differ (of a pair), from which 96% is held to."""
ALMOST_SURE = 1e-9
FLOOR, FLOOR_PAIRS, LOW, HIGH = 0.95, 0.93, 0.94, 0.9635
"""A share is held in 95% and more. Tango's interval falls to 93.1% where 2 to 4 of 200 cases differ."""


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
    found: Found = {}
    for n in sizes:
        held = share_coverage(n, truths)
        inner = held[(truths * n >= ENOUGH) & ((1 - truths) * n >= ENOUGH)]
        found[n] = _row(float(held.min()), inner)
    return found


def pair_coverage(n: int, gained: float, lost: float) -> float:
    """The probability that the interval of fixed less broken cases holds its truth."""
    likely = [
        range(int(binom.ppf(ALMOST_SURE, n, share)), int(binom.isf(ALMOST_SURE, n, share)) + 1)
        for share in (gained, lost)
    ]
    held = 0.0
    for up, down in product(*likely):
        low, high = _interval(up, down, n) if up + down <= n else (1.0, -1.0)
        if low - 1e-12 <= gained - lost <= high + 1e-12:
            held += np.exp(_log_probability((up, down, n - up - down), (gained, lost, 1 - gained - lost)))
    return float(held)


def pairs(sizes: tuple[int, ...] = (20, 50, 200)) -> Found:
    """The coverage of fixed less broken."""
    found: Found = {}
    for n in sizes:
        held = {
            (gained, lost): pair_coverage(n, gained, lost)
            for gained, lost in product(PAIRS, PAIRS)
            if lost <= gained and 0 < gained + lost <= 0.6
        }
        inner = [value for shares, value in held.items() if sum(shares) * n >= ENOUGH]
        found[n] = _row(min(held.values()), np.array(inner))
    return found


def bad(single: Found, paired: Found) -> list[str]:
    """What is outside of what is promised."""
    said = [f"a share, n = {n}: {least:.2%}" for n, (least, _, _) in single.items() if least < FLOOR - 1e-6]
    said += [f"a pair, n = {n}: {least:.2%}" for n, (least, _, _) in paired.items() if least < FLOOR_PAIRS]
    for kind, found in (("share", single), ("pair", paired)):
        for n, (_, low, high) in found.items():
            if n >= 200 and not LOW <= low <= high <= HIGH:
                said.append(f"a {kind}, n = {n}: {low:.2%} to {high:.2%}")
    return said


def words(found: Found) -> str:
    """The figures in a line."""
    return "; ".join(
        f"n = {n}: lowest {least:.2%}" + (f", {low:.2%} to {high:.2%} from {ENOUGH} cases on" if high else "")
        for n, (least, low, high) in found.items()
    )


def _row(least: float, inner: Floats) -> tuple[float, float, float]:
    return least, float(inner.min(initial=1.0)) if inner.size else 0.0, float(inner.max(initial=0.0))


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
