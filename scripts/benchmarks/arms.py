"""Two arms and their ratio: alternate them, sum them up, put the equality gate beside the figure.

Does not know what is measured, nor how it is shown (`scripts/benchmarks/__main__.py` does).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FULL_PAIRS, QUICK_PAIRS = 7, 5

Arm = Callable[[], float]
"""One measurement of one arm: a time in seconds (or any quantity of which both arms give the same)."""

Result = dict[str, Any]
"""{goal, ratio: {median, min, max}, pairs, gate: {passed, detail}, control, target}; more where it helps."""


def ratios(numerator: Arm, denominator: Arm, pairs: int) -> list[float]:
    """Numerator over denominator, alternating A B A B; one pair before to warm the page cache."""
    numerator(), denominator()
    return [numerator() / denominator() for _ in range(pairs)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def result(
    goal: str,
    values: Sequence[float],
    *,
    target: str,
    passed: bool,
    detail: str,
    control: Sequence[float] | None = None,
    **more: Any,
) -> Result:
    """One result of a goal.

    `target` is a comparison for the median ratio, such as `<= 1.6`; `control` are ratios where the lever
    cannot help. With `unit`, such as `100 ms`, values are fractions of that bound and no ratio of two arms.
    """
    return {
        "goal": goal,
        "gate": {"passed": passed, "detail": detail},
        "ratio": summary(values),
        "pairs": len(values),
        "target": target,
        "control": summary(control) if control else None,
        **more,
    }


def is_met(ratio: float, target: str) -> bool:
    """Whether a ratio satisfies a target such as `>= 12` or `<= 1.6`."""
    sign, number = target.split()
    return ratio >= float(number) if sign == ">=" else ratio <= float(number)


def timed(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Seconds that `command` takes. Raises CalledProcessError when it fails."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin
