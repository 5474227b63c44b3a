"""Results become scores: shares and means, each with standard error and interval, by check and by slice.

A check whose verdicts carry counts (BLEU, chrF) is scored over all results together, as is usual for it, and
not by the mean of single scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import sqrt

from engine.evals.checks.pooling import pooled
from engine.evals.stats import exact_interval, mean_interval, standard_error
from store.records.evals import CaseResult, CheckResult, Cost, Interval, SliceScore, VariantScore


def clustered_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean of `values`, of which those of one cluster are not independent.

    sqrt(sum over clusters of (sum of deviations in it)^2) / n, the cluster-robust error without a correction
    for few clusters (Miller 2024, Adding Error Bars to Evals, eq. 4). With a value per cluster it is the
    usual sd / sqrt(n), and for passes and fails sqrt(p (1 - p) / n). 0 for none, and where all are equal.
    """
    n = len(values)
    if n == 0:
        return 0.0
    mean = sum(values) / n
    sums: dict[Hashable, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value - mean
    return sqrt(sum(one * one for one in sums.values())) / n


def score_of(variant: str, results: Sequence[CaseResult]) -> VariantScore:
    """All that a variant's results come to. Those that were not judged count among the errors alone."""
    kept = [result for result in results if result.judged]
    passes = [float(result.passed) for result in kept]
    clusters = [result.cluster for result in kept]
    score = VariantScore(variant, len(kept), _mean(passes), clustered_error(passes, clusters))
    score.ci95 = mean_interval(passes, clusters)
    for name, pairs in _verdicts(results).items():
        score.checks_n[name] = len(pairs)
        score.checks[name], score.checks_stderr[name], score.checks_ci95[name] = _of_check(pairs)
    means = [result.score for result in kept]
    score.mean, score.mean_stderr = _mean(means), clustered_error(means, clusters)
    score.mean_ci95 = mean_interval(means, clusters)
    score.cases = len({result.case for result in kept})
    score.epochs = max((result.epoch for result in results), default=0) + 1
    score.errors = len(results) - len(kept)
    score.slices = {name: slice_score(part) for name, part in by_slice(kept).items()}
    score.cost = cost_of(results)
    if (groups := fragility(kept)) is not None:
        mixed, of = groups
        score.fragility, score.fragility_stderr = mixed / of, standard_error(mixed, of)
        score.fragility_ci95 = exact_interval(mixed, of)
    score.sha256 = results[0].variant_hash if results else ""
    return score


def by_slice(results: Sequence[CaseResult]) -> dict[str, list[CaseResult]]:
    """Results of each slice, slices in the order of their names."""
    parts: dict[str, list[CaseResult]] = defaultdict(list)
    for result in results:
        for name in result.slices or result.tags:
            parts[name].append(result)
    return dict(sorted(parts.items()))


def slice_score(results: Sequence[CaseResult]) -> SliceScore:
    """Share of passed results with its error and interval."""
    passes = [float(result.passed) for result in results]
    clusters = [result.cluster for result in results]
    return SliceScore(
        len(passes),
        len({result.case for result in results}),
        _mean(passes),
        clustered_error(passes, clusters),
        mean_interval(passes, clusters),
    )


def cost_of(results: Sequence[CaseResult]) -> Cost | None:
    """Tokens and times of the results that have an answer; None without any."""
    answered = [result for result in results if not result.error]
    if not answered:
        return None
    times = sorted(result.latency_ms for result in answered)
    clusters = [result.cluster for result in answered]
    series: dict[str, list[float]] = {
        "prompt_tokens": [result.prompt_tokens for result in answered],
        "completion_tokens": [result.completion_tokens for result in answered],
        "latency_ms": [result.latency_ms for result in answered],
    }
    means = {name: _mean(values) for name, values in series.items()}
    return Cost(
        means["prompt_tokens"],
        means["completion_tokens"],
        means["latency_ms"],
        times[min(len(times) - 1, int(0.95 * len(times)))],
        stderr={name: clustered_error(values, clusters) for name, values in series.items()},
    )


def fragility(results: Sequence[CaseResult]) -> tuple[int, int] | None:
    """How many groups of paraphrases pass in part only, and of how many; None where there are none."""
    groups: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.group:
            groups[result.group][result.case].append(result.passed)
    several = [cases for cases in groups.values() if len(cases) > 1]
    if not several:
        return None
    # A case counts as passed where most of its epochs are: sampling noise is not fragility.
    mixed = [len({sum(passes) * 2 > len(passes) for passes in cases.values()}) > 1 for cases in several]
    return sum(mixed), len(mixed)


def _verdicts(results: Sequence[CaseResult]) -> dict[str, list[tuple[CheckResult, str]]]:
    """Every verdict of a check that came to one, with its cluster, by check."""
    found: dict[str, list[tuple[CheckResult, str]]] = defaultdict(list)
    for result in results:
        for check in result.checks:
            if not check.error:
                found[check.kind].append((check, result.cluster))
    return found


def _of_check(pairs: Sequence[tuple[CheckResult, str]]) -> tuple[float, float, Interval]:
    """Score, standard error and interval of a check, from its verdicts with their clusters."""
    checks, clusters = [check for check, _ in pairs], [cluster for _, cluster in pairs]
    if formula := _formula(checks):
        return pooled_score(formula, [check.counts for check in checks], clusters)
    values = [check.score for check in checks]
    return _mean(values), clustered_error(values, clusters), mean_interval(values, clusters)


def _formula(checks: Sequence[CheckResult]) -> str:
    """The formula by which all of these are scored together; "" for the mean, which is also all that can be
    had where one scored without counts (results of an older Temper).
    """
    formulas = {check.formula for check in checks if check.formula or check.score}
    return formulas.pop() if len(formulas) == 1 else ""


def pooled_score(
    formula: str, counts: Sequence[Sequence[float]], clusters: Sequence[Hashable]
) -> tuple[float, float, Interval]:
    """The score of added counts, its standard error by the jackknife that leaves out a cluster at a time
    (Efron & Tibshirani 1993, eq. 11.5; 0 for a single cluster), and the interval of the pseudo-values' mean
    (11.7). A case without an answer has no counts and scores 0.
    """
    width = max(map(len, counts))
    parts: dict[Hashable, list[float]] = {}
    for row, cluster in zip(counts, clusters, strict=True):
        whole = [*(row or [0.0] * width), float(bool(row)), 1.0]
        parts[cluster] = [
            one + other for one, other in zip(parts.get(cluster, [0.0] * len(whole)), whole, strict=True)
        ]
    totals = [sum(column) for column in zip(*parts.values(), strict=True)]

    def score(sums: Sequence[float]) -> float:
        *added, answered, asked = sums
        return pooled(formula, added) * answered / asked

    found, n = score(totals), len(parts)
    if n < 2:
        return found, 0.0, mean_interval([found])
    without = [score([all_ - own for all_, own in zip(totals, part, strict=True)]) for part in parts.values()]
    mean = _mean(without)
    error = sqrt((n - 1) / n * sum((one - mean) ** 2 for one in without))
    low, high = mean_interval([found + (n - 1) * (mean - one) for one in without])
    return found, error, (max(0.0, low), min(1.0, high))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
