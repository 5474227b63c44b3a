"""Pairs become a verdict: differences with intervals, the cases behind them, slices, costs.

    better, worse   the interval leaves 0 out, and p (of a slice: corrected for all slices) is at most 0.05
    same            the whole interval lies within the margin: what difference there is, it is that small
    too_small       neither: this many cases cannot tell

Knows nothing of runs and files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from engine.evals.comparison.pairing import Pair, pair
from engine.evals.stats import difference_interval, holm, paired_p
from store.records.comparing import ChangedCase, Comparison, Difference, Side, Verdict
from store.records.evals import CaseResult, Cost

MARGIN = 0.05
"""Differences within it are as good as none, unless a comparison is told otherwise."""
LEVEL = 0.05


def compare(
    suite: str,
    side_a: Side,
    side_b: Side,
    a: Sequence[CaseResult],
    b: Sequence[CaseResult],
    margin: float = MARGIN,
) -> Comparison:
    """Both sides on the cases that they have in common. Raises UsageError where there is none."""
    paired = pair(a, b)
    pairs = paired.pairs
    side_a.cost = side_a.cost or cost_of([one.a for one in pairs])
    side_b.cost = side_b.cost or cost_of([one.b for one in pairs])
    return Comparison(
        suite,
        side_a,
        side_b,
        passes(pairs, margin),
        fixed=[changed(one, failing=one.a) for one in pairs if one.fixed],
        broken=[changed(one, failing=one.b) for one in pairs if one.broken],
        scores=graded(pairs, margin),
        slices=by_slice(pairs, margin),
        notices=[*paired.notices, *quantisation_notice(side_a, side_b)],
        unproven=paired.unproven,
    )


def passes(pairs: Sequence[Pair], margin: float) -> Difference:
    """The difference of the shares of passed cases; of epochs, of the shares of passed epochs."""
    counts = sum(one.fixed for one in pairs), sum(one.broken for one in pairs)
    a, b = [one.a_passed for one in pairs], [one.b_passed for one in pairs]
    return difference(a, b, [one.cluster for one in pairs], counts, margin)


def graded(pairs: Sequence[Pair], margin: float) -> Difference | None:
    """The difference of mean scores; None where scores say no more than passes."""
    a, b = [one.a_score for one in pairs], [one.b_score for one in pairs]
    if all((one.a_score, one.b_score) == (one.a_passed, one.b_passed) for one in pairs):
        return None
    higher = sum(after > before for before, after in zip(a, b, strict=True))
    lower = sum(after < before for before, after in zip(a, b, strict=True))
    return difference(a, b, [one.cluster for one in pairs], (higher, lower), margin)


def difference(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[str],
    counts: tuple[int, int],
    margin: float,
) -> Difference:
    """Means, their difference, how sure it is, and what it amounts to. Cases of one cluster count as one."""
    differences = [after - before for before, after in zip(a, b, strict=True)]
    interval, p = difference_interval(differences, clusters), paired_p(differences, clusters)
    first, second = fmean(a), fmean(b)
    return Difference(
        len(a), first, second, second - first, interval, p, *counts, verdict=verdict_of(interval, p, margin)
    )


def verdict_of(interval: tuple[float, float], p: float, margin: float) -> Verdict:
    """See the top of this file. Interval and test must agree: at small n either may err alone."""
    low, high = interval
    if p <= LEVEL and low > 0:
        return "better"
    if p <= LEVEL and high < 0:
        return "worse"
    return "same" if -margin <= low and high <= margin else "too_small"


def by_slice(pairs: Sequence[Pair], margin: float) -> dict[str, Difference]:
    """The difference in each slice, largest first, its p-value corrected for the number of slices."""
    members: dict[str, list[Pair]] = defaultdict(list)
    for one in pairs:
        for name in one.slices:
            members[name].append(one)
    names = sorted(members, key=lambda name: (-len(members[name]), name))
    found = [passes(members[name], margin) for name in names]
    corrected = holm([each.p for each in found])
    for each, p in zip(found, corrected, strict=True):
        each.holm, each.verdict = p, verdict_of(each.ci95, p, margin)
    return dict(zip(names, found, strict=True))


def changed(one: Pair, failing: CaseResult) -> ChangedCase:
    """A case that changed sides, with the checks that say why it fails on one of them."""
    checks = [check for check in failing.checks if not check.passed]
    return ChangedCase(
        one.case, one.a.input, one.a.expected, one.a.output, one.b.output, checks, slices=one.slices
    )


def cost_of(results: Sequence[CaseResult]) -> Cost:
    """Mean tokens and latency of the answers that were made, not taken over from an earlier run's cache."""
    made = [result for result in results if not result.cached] or list(results)
    latencies = sorted(result.latency_ms for result in made)
    return Cost(
        fmean(result.prompt_tokens for result in results),
        fmean(result.completion_tokens for result in results),
        fmean(latencies),
        latencies[min(len(latencies) - 1, int(0.95 * len(latencies)))],
    )


def quantisation_notice(a: Side, b: Side) -> list[str]:
    """Said where the files that answered were quantised differently: that alone can make a difference."""
    if not a.quant or not b.quant or a.quant == b.quant:
        return []
    return [
        f"A RAN AT {a.quant.upper()}, B AT {b.quant.upper()}: part of the difference may be the quantisation."
    ]
