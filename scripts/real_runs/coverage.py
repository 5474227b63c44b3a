"""How often the 95% intervals hold the truth, and McNemar beside scipy's exact test: simulated scores only.

Graded scores and epochs: 20,000 simulations for each shape at n of 20, 50, 200 and 1,000. Passes and fails
are worked out instead (scripts/real_runs/exact_coverage.py). Nothing here is read from data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evals.stats import difference_interval, mcnemar_exact, mean_interval, score_interval
from engine.evals.stats.graded import FEW, carriers
from scripts.real_runs import exact_coverage
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


def stays(share: float) -> Draw:
    """Differences of scores of five levels, of which a share of the cases keeps its own."""
    moved = levels([0.2] * 5, [0.1, 0.1, 0.2, 0.3, 0.3])
    return lambda random, size: np.where(random.random(size) < share, 0.0, -moved(random, size))


def epochs(times: int, a: float, b: float, gain: float) -> Draw:
    """Differences of shares of `times` epochs: each case has a rate of its own, of a beta distribution."""

    def draw(random: np.random.Generator, size: tuple[int, int]) -> Floats:
        rate = random.beta(a, b, size)
        better = rate + gain * (1 - rate)
        return (random.binomial(times, better) - random.binomial(times, rate)) / times

    return draw


def outliers(share: float) -> Draw:
    """Small noise, and a share of the cases that went from wrong to right."""
    return lambda random, size: np.where(random.random(size) < share, 0.9, random.normal(0, 0.05, size))


BINARY: dict[str, tuple[float, float]] = {
    "30% fixed, 30% broken": (0.3, 0.3),
    "20% fixed, 5% broken": (0.2, 0.05),
    "10% fixed, 2% broken": (0.1, 0.02),
    "45% fixed, none broken": (0.45, 0.0),
}
GRADED: dict[str, Draw] = {
    "-1, 0, 1": trinomial(0.2, 0.05),
    "-1, 0, 1, rare": trinomial(0.1, 0.02),
    "normal": lambda random, size: np.clip(random.normal(0.05, 0.2, size), -1, 1),
    "normal, narrow": lambda random, size: random.normal(0.3, 0.02, size),
    "uniform": lambda random, size: random.random(size) - random.random(size),
    "beta, like": betas(2, 5, 2, 6),
    "beta, u-shaped": betas(0.5, 0.5, 0.5, 2),
    "beta, skewed": betas(0.3, 3, 0.2, 6),
    "near 1": betas(8, 1, 6, 1),
    "exponential": lambda random, size: np.minimum(random.exponential(0.1, size), 1),
    "gamma, shape 1/2": lambda random, size: random.gamma(0.5, 0.05, size),
    "Student's t of 3": lambda random, size: 0.05 + 0.05 * random.standard_t(3, size),
    "log-normal, skewness 6": lambda random, size: random.lognormal(-4, 1, size),
    "five levels": levels([0.2] * 5, [0.4, 0.2, 0.2, 0.1, 0.1]),
    "five levels, a fifth moved": stays(0.8),
    "three levels near 1": levels([0.05, 0.05, 0.9], [0.1, 0.1, 0.8]),
    "a half moved up": some(0.5, 0, 1),
    "a fifth moved": some(0.2, -0.5, 1),
    "a tenth moved up": some(0.1, 0, 1),
    "3 epochs": epochs(3, 0.3, 0.3, 0.1),
    "5 epochs": epochs(5, 2, 1, 0.2),
    "4 epochs, sure cases": epochs(4, 0.1, 0.1, 0.02),
    "one in fifty from wrong to right": outliers(0.02),
}
HARD: dict[str, Draw] = {
    "one in twenty from wrong to right": outliers(0.05),
    "log-normal, skewness 33": lambda random, size: random.lognormal(-4, 1.5, size),
    "a fifth moved, a tenth of it by far": lambda random, size: np.where(
        random.random(size) < 0.2, np.where(random.random(size) < 0.1, 1.0, 0.1), 0.0
    ),
}
"""Where a handful of cases decides the mean even of hundreds; told, and held to the floor below 200 alone."""
MEANS: dict[str, Draw] = {
    "mean of beta(5, 2)": lambda random, size: random.beta(5, 2, size),
    "mean of beta(.5, .5)": lambda random, size: random.beta(0.5, 0.5, size),
    "mean of beta(20, 1)": lambda random, size: random.beta(20, 1, size),
    "mean of five levels": lambda random, size: random.choice(
        np.linspace(0, 1, 5), p=[0.1, 0.1, 0.2, 0.2, 0.4], size=size
    ),
}


TOGETHER = "3 paraphrases each"
"""A third as many clusters count as cases do."""


@cache
def of_counts(gained: int, lost: int, n: int) -> tuple[float, float]:
    """The interval of passes and fails, remembered: few counts come up again and again."""
    return score_interval(gained, lost, n)


def of_passes(row: Floats) -> tuple[float, float]:
    """The interval that a comparison of passes and fails uses."""
    return of_counts(int((row > 0).sum()), int((row < 0).sum()), len(row))


def of_groups(row: Floats) -> tuple[float, float]:
    """The interval of paraphrases: every three values in a row are of one question."""
    return difference_interval(list(row), [number // 3 for number in range(len(row))])


def alike(draw: Draw) -> Draw:
    """Three values in a row with most of what they are in common."""
    return lambda random, size: np.clip(
        0.8 * np.repeat(draw(random, (size[0], -(-size[1] // 3))), 3, axis=1)[:, : size[1]]
        + 0.2 * draw(random, size),
        -1,
        1,
    )


def coverage(draw: Draw, truth: float, interval: Interval, n: int, simulations: int) -> float:
    """The share of `simulations` samples of size `n` whose interval holds `truth`."""
    random = np.random.default_rng(SEED + n)
    held = 0
    for _ in range(simulations // AT_ONCE):
        for row in draw(random, (AT_ONCE, n)):
            low, high = interval(row)
            held += low - 1e-12 <= truth <= high + 1e-12
    return held / (simulations // AT_ONCE * AT_ONCE)


@cache
def truth_of(draw: Draw) -> float:
    """The mean of a distribution, of eight million values: its own error does not count."""
    random = np.random.default_rng(SEED)
    return float(np.mean([draw(random, (1_000, 1_000)).mean() for _ in range(8)]))


def few(draw: Draw, n: int) -> float:
    """The share of samples in which a few values carry the spread, and the interval says so by its width."""
    random = np.random.default_rng(SEED - n)
    return float(np.mean([carriers(row) < FEW for row in draw(random, (2_000, n))]))


def table(simulations: int = SIMULATIONS) -> dict[str, dict[int, float]]:
    """The coverage of every interval by the shape of the scores and n."""
    found: dict[str, dict[int, float]] = {}

    def measure(name: str, draw: Draw, truth: float, interval: Interval) -> None:
        found[name] = {n: coverage(draw, truth, interval, n, simulations) for n in SIZES}
        print(f"{name:<36}" + "".join(f"{value:8.2%}" for value in found[name].values()), file=sys.stderr)

    print(f"{'n':<36}" + "".join(f"{n:8}" for n in SIZES), file=sys.stderr)
    for name, (gained, lost) in BINARY.items():
        measure(name, trinomial(gained, lost), gained - lost, of_passes)
    for name, draw in (GRADED | HARD).items():
        measure(name, draw, truth_of(draw), difference_interval)  # type: ignore[arg-type]  # arrays are sequences
    for name, draw in MEANS.items():
        measure(name, draw, truth_of(draw), mean_interval)  # type: ignore[arg-type]  # arrays are sequences
    together = alike(GRADED["beta, u-shaped"])
    measure(TOGETHER, together, truth_of(together), of_groups)
    return found


def bad(found: dict[str, dict[int, float]]) -> list[str]:
    """What is outside of what is promised, beyond the simulation's noise.

    Above 96% is no fault where a few values carry the spread: there the interval is wide on purpose.
    """
    said = []
    for name, by_size in found.items():
        for n, value in by_size.items():
            draw = GRADED.get(name)
            wide = n < 200 or (name == TOGETHER and n < 3 * 200) or (draw is not None and few(draw, n) > 0.01)
            low, high = (FLOOR_BELOW if n < 200 else LOW), (1.0 if wide else HIGH)
            if not low - NOISE <= value <= high + NOISE and not (name in HARD and n >= 200):
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
    shares, pairs = exact_coverage.shares(), exact_coverage.pairs()
    found, unequal = table(), mcnemar_differs()
    outside = bad(found) + exact_coverage.bad(shares, pairs)
    held = {name: by_size for name, by_size in found.items() if name not in HARD}
    return {
        "passed": not outside and not unequal,
        "simulations": SIMULATIONS,
        "shares, all of a fine grid": exact_coverage.words(shares),
        "94 to 96% out of reach below, expected of the rarer kind": ", ".join(
            f"{exact_coverage.out_of_reach(n):.1f} at {n}" for n in SIZES
        ),
        "fixed less broken, all of a grid": exact_coverage.words(pairs),
        "graded and epochs, lowest": ", ".join(
            f"{min(by_size[n] for by_size in held.values()):.2%} at {n}" for n in SIZES
        ),
        "outside": "; ".join(outside) or "none",
        "hard, told alone from 200": "; ".join(
            f"{name}: " + ", ".join(f"{value:.2%} at {n}" for n, value in found[name].items())
            for name in HARD
        ),
        "wide on purpose at 200": ", ".join(
            f"{name} {share:.0%}" for name, draw in GRADED.items() if (share := few(draw, 200)) > 0.01
        ),
        "McNemar unlike scipy's": "; ".join(unequal) or "none",
    }
