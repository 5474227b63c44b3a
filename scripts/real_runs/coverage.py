"""How often the 95% intervals hold the truth, and McNemar beside scipy's exact test: simulated scores only.

20,000 simulations for each shape of scores at n of 20, 50, 200 and 1,000. Nothing here is read from data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evals.stats import (
    difference_interval,
    mcnemar_exact,
    mean_interval,
    score_interval,
    wilson_interval,
)
from scripts.real_runs.commands import Commands

Floats = NDArray[np.float64]
Interval = Callable[[Floats], tuple[float, float]]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

SIMULATIONS, SEED, AT_ONCE = 20_000, 20_260_131, 1_000
SIZES = (20, 50, 200, 1000)
FLOOR_BELOW, LOW, HIGH = 0.935, 0.94, 0.96
NOISE = 0.0045
"""Three standard errors of a coverage of 95% over SIMULATIONS: what a simulation cannot tell apart."""


def trinomial(gained: float, lost: float) -> Draw:
    """Differences of passes and fails: 1 with the first share, -1 with the second."""
    return lambda random, size: random.choice(
        [1.0, -1.0, 0.0], p=[gained, lost, 1 - gained - lost], size=size
    )


def levels(first: list[float], second: list[float]) -> Draw:
    """Differences of scores of 0, 1/4 ... 1 with these shares each."""
    steps = np.linspace(0, 1, len(first))
    return lambda random, size: (
        random.choice(steps, p=first, size=size) - random.choice(steps, p=second, size=size)
    )


def betas(a: float, b: float, c: float, d: float) -> Draw:
    """Differences of two beta distributions."""
    return lambda random, size: random.beta(a, b, size) - random.beta(c, d, size)


def some(share: float, low: float, high: float) -> Draw:
    """Most cases as before, a share of them moved by an amount between `low` and `high`."""
    return lambda random, size: np.where(random.random(size) < share, random.uniform(low, high, size), 0.0)


BINARY: dict[str, tuple[float, float]] = {
    "30% fixed, 30% broken": (0.3, 0.3),
    "25% fixed, 10% broken": (0.25, 0.1),
    "20% fixed, 5% broken": (0.2, 0.05),
    "10% fixed, 10% broken": (0.1, 0.1),
    "10% fixed, 2% broken": (0.1, 0.02),
    "45% fixed, none broken": (0.45, 0.0),
}
GRADED: dict[str, Draw] = {
    "normal": lambda random, size: np.clip(random.normal(0.05, 0.2, size), -1, 1),
    "uniform": lambda random, size: random.random(size) - random.random(size),
    "beta, like": betas(2, 5, 2, 6),
    "beta, u-shaped": betas(0.5, 0.5, 0.5, 2),
    "beta, skewed": betas(0.3, 3, 0.2, 6),
    "near 1": betas(8, 1, 6, 1),
    "exponential": lambda random, size: np.minimum(random.exponential(0.1, size), 1),
    "five levels": levels([0.2] * 5, [0.4, 0.2, 0.2, 0.1, 0.1]),
    "three levels near 1": levels([0.05, 0.05, 0.9], [0.1, 0.1, 0.8]),
    "a fifth moved up": some(0.2, 0, 1),
    "a fifth moved": some(0.2, -0.5, 1),
    "a tenth moved up": some(0.1, 0, 1),
}
HARD: dict[str, Draw] = {
    "log-normal, skewness 5": lambda random, size: np.minimum(random.lognormal(-3, 1, size), 1),
}
MEANS: dict[str, Draw] = {
    "mean of beta(5, 2)": lambda random, size: random.beta(5, 2, size),
    "mean of beta(.5, .5)": lambda random, size: random.beta(0.5, 0.5, size),
    "mean of five levels": levels([0.1, 0.1, 0.2, 0.2, 0.4], [1.0, 0, 0, 0, 0]),
}
SHARES = (0.5, 0.7, 0.9)


@cache
def of_counts(gained: int, lost: int, n: int) -> tuple[float, float]:
    """The interval of passes and fails, remembered: few counts come up again and again."""
    return score_interval(gained, lost, n)


def of_passes(row: Floats) -> tuple[float, float]:
    """The interval that a comparison of passes and fails uses."""
    return of_counts(int((row > 0).sum()), int((row < 0).sum()), len(row))


def of_share(row: Floats) -> tuple[float, float]:
    """The interval of a share."""
    return wilson_interval(int(row.sum()), len(row))


def coverage(draw: Draw, truth: float, interval: Interval, n: int, simulations: int) -> float:
    """The share of `simulations` samples of size `n` whose interval holds `truth`."""
    random = np.random.default_rng(SEED + n)
    held = 0
    for _ in range(simulations // AT_ONCE):
        for row in draw(random, (AT_ONCE, n)):
            low, high = interval(row)
            held += low - 1e-12 <= truth <= high + 1e-12
    return held / (simulations // AT_ONCE * AT_ONCE)


def truth_of(draw: Draw) -> float:
    """The mean of a distribution, of eight million values: its own error does not count."""
    random = np.random.default_rng(SEED)
    return float(np.mean([draw(random, (1_000, 1_000)).mean() for _ in range(8)]))


def table(simulations: int = SIMULATIONS) -> dict[str, dict[int, float]]:
    """The coverage of every interval by the shape of the scores and n."""
    found: dict[str, dict[int, float]] = {}

    def measure(
        name: str, draw: Draw, truth: float, interval: Callable[[Floats], tuple[float, float]]
    ) -> None:
        found[name] = {n: coverage(draw, truth, interval, n, simulations) for n in SIZES}
        print(f"{name:<28}" + "".join(f"{value:8.2%}" for value in found[name].values()), file=sys.stderr)

    print(f"{'n':<28}" + "".join(f"{n:8}" for n in SIZES), file=sys.stderr)
    for name, (gained, lost) in BINARY.items():
        measure(name, trinomial(gained, lost), gained - lost, of_passes)
    for name, draw in (GRADED | HARD).items():
        measure(name, draw, truth_of(draw), difference_interval)  # type: ignore[arg-type]  # arrays are sequences
    for name, draw in MEANS.items():
        measure(name, draw, truth_of(draw), mean_interval)  # type: ignore[arg-type]  # one sample, not two
    for share in SHARES:
        measure(f"share of {share:.0%}", trinomial(share, 0), share, of_share)
    return found


def bad(found: dict[str, dict[int, float]]) -> list[str]:
    """What is outside of what is promised, beyond the simulation's noise; HARD ones are only told."""
    said = []
    for name, by_size in found.items():
        if name in HARD:
            continue
        for n, value in by_size.items():
            low, high = (FLOOR_BELOW, 1.0) if n < 200 else (LOW, HIGH)
            if not low - NOISE <= value <= high + NOISE:
                said.append(f"{name}, n = {n}: {value:.2%}")
    return said


def mcnemar_differs() -> list[str]:
    """Pairs of counts for which the p-value is not that of scipy's exact binomial test."""
    from scipy.stats import binomtest

    pairs = [(fixed, broken) for fixed in range(0, 60, 3) for broken in range(0, 60, 2) if fixed + broken]
    return [
        f"{fixed}, {broken}"
        for fixed, broken in pairs
        if abs(mcnemar_exact(fixed, broken) - binomtest(fixed, fixed + broken).pvalue) > 1e-12
    ]


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """The table. The gate: every interval within what is promised, and McNemar equal to scipy's."""
    found, unequal = table(), mcnemar_differs()
    outside = bad(found)
    return {
        "passed": not outside and not unequal,
        "simulations": SIMULATIONS,
        "outside": "; ".join(outside) or "none",
        "hard, not held to it": "; ".join(
            f"{name}: " + ", ".join(f"{value:.2%} at {n}" for n, value in found[name].items())
            for name in HARD
        ),
        "McNemar unlike scipy's": "; ".join(unequal) or "none",
    }
