"""Arms on the same questions: paired differences to the published one, and which to take. Arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.evals.stats.graded import difference_interval, paired_p
from engine.evals.stats.several import holm
from store.records.kb_check import ArmDifference, ArmVerdict, Metric

FEWEST = 10
"""Questions below which no difference is called one, nor none."""
ENOUGH = 50
"""Questions from which settings are told apart as they usually differ."""


def compare(
    published: Sequence[dict[str, float]], arms: Mapping[str, Sequence[dict[str, float]]], by: Metric
) -> list[ArmDifference]:
    """Each arm less the published one by the measure `by`, with its interval, and p after Holm."""
    pairs = {
        name: [theirs[by] - own[by] for own, theirs in zip(published, rows, strict=True) if by in own]
        for name, rows in arms.items()
    }
    adjusted = holm([paired_p(values) for values in pairs.values()])
    found = []
    for (name, values), p in zip(pairs.items(), adjusted, strict=True):
        low, high = difference_interval(values)
        mean = sum(values) / len(values) if values else 0.0
        verdict = _verdict(len(values), low, high)
        found.append(ArmDifference(name, by, mean, low, high, p, len(values), verdict))
    return found


def pick(differences: Sequence[ArmDifference], published: str, n: int) -> tuple[str, str]:
    """The arm to take by `n` questions, and why: another one only where it is better beyond chance."""
    if not differences:
        return "", ""
    better = [one for one in differences if one.verdict == "better"]
    if not better:
        return published, f"no other is better beyond chance on these {n} questions"
    best = max(better, key=lambda one: one.diff)
    return best.arm, f"{best.by} is higher by {best.diff:+.3f} ({best.low:+.3f} to {best.high:+.3f})"


def _verdict(n: int, low: float, high: float) -> ArmVerdict:
    if n < FEWEST:
        return "too_small"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "same"
