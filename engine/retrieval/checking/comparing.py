"""Arms against the published one on the same questions: paired differences, a verdict each, and a pick.

    better, worse   the 95% interval leaves 0 out, and p (Holm, for all arms) is at most 0.05
    same            the whole interval lies within the margin
    too_small       neither: this many questions cannot tell

The published arm stays unless another is surely better: of many arms one is ahead by chance alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import fmean

from engine.evals.stats import difference_interval, holm, paired_p
from store.records.kb_check import ArmDifference, ArmVerdict, Metric

MARGIN = 0.02
LEVEL = 0.05
ENOUGH = 30
"""Questions from which on figures are told without a warning."""

Rows = Sequence[Mapping[str, float]]


def compare(published: Rows, arms: Mapping[str, Rows], by: Metric) -> list[ArmDifference]:
    """Each arm less the published one. `published` and each arm have a row of measures per question."""
    gains = {
        name: [
            after[by] - before[by]
            for before, after in zip(published, rows, strict=True)
            if by in before and by in after
        ]
        for name, rows in arms.items()
    }
    corrected = holm([paired_p(values) for values in gains.values()])
    return [
        _difference(name, by, values, p) for (name, values), p in zip(gains.items(), corrected, strict=True)
    ]


def pick(differences: Sequence[ArmDifference], published: str) -> tuple[str, str]:
    """The arm to take, and why; nothing where there is no other."""
    if not differences:
        return "", ""
    best = max(differences, key=lambda one: (one.verdict == "better", one.diff))
    if best.verdict == "better":
        rivals = sum(one is not best and one.high > best.diff for one in differences)
        also = f"; {rivals} other{'s' if rivals > 1 else ''} may be as good" if rivals else ""
        return best.arm, f"{_points(best)}, surely better than what is published{also}"
    if best.verdict == "same":
        return published, f"the best other, {best.arm}, differs by less than {MARGIN:g}"
    if best.diff <= 0:
        return published, "no other is ahead of it"
    return published, (
        f"{best.arm} is ahead, {_points(best)}, but {best.n} questions cannot tell: such a difference "
        f"takes about {best.questions_needed:,}"
    )


def _difference(arm: str, by: Metric, values: Sequence[float], p: float) -> ArmDifference:
    n = len(values)
    diff = fmean(values) if values else 0.0
    low, high = difference_interval(values)
    verdict = _verdict(low, high, p)
    needed = 0
    if verdict == "too_small" and diff:
        # An interval is as wide as one by the root of the number of questions.
        needed = max(n + 1, ceil(n * ((high - low) / 2 / abs(diff)) ** 2))
    return ArmDifference(arm, by, diff, low, high, p, n, verdict, needed)


def _verdict(low: float, high: float, p: float) -> ArmVerdict:
    if p <= LEVEL and (low > 0 or high < 0):
        return "better" if low > 0 else "worse"
    return "same" if low >= -MARGIN and high <= MARGIN else "too_small"


def _points(one: ArmDifference) -> str:
    return f"{one.by} {one.diff:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
