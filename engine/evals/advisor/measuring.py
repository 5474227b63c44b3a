"""Results of each approach as lines of a table, each compared with the bare prompt on the same cases.

Knows nothing of how the answers were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from engine.evals.comparison.pairing import Pair, pair
from engine.evals.comparison.verdicts import MARGIN, cost_of, passes
from engine.evals.stats import clustered, exact_interval, mean_interval
from store.records.advice import Approach, Measured, Taken
from store.records.comparing import Difference
from store.records.evals import CaseResult

Results = Mapping[Approach, Sequence[CaseResult]]

ORDER: tuple[Approach, ...] = (
    "bare",
    "prompt",
    "few_shot",
    "retrieval",
    "gold",
    "adapter",
    "hybrid",
    "other",
)
"""Cheapest first; `gold` is a ceiling, not something that can be shipped, `other` another model."""
UPKEEP: dict[Approach, str] = {
    "bare": "",
    "prompt": "a prompt file",
    "few_shot": "a prompt file and its rows; every answer reads them",
    "gold": "cannot be shipped: it is given the right passages",
    "retrieval": "documents kept up to date, ingested again",
    "adapter": "rows, a training run and a ship check at every change of base",
    "hybrid": "that of an adapter and of documents",
    "other": "none beyond its price",
}


def measured(
    results: Results, runs: Mapping[Approach, str], taken: Mapping[Approach, Taken] | None = None
) -> dict[Approach, Measured]:
    """A line per approach that has judged results, in ORDER; `taken` is what their answers took."""
    found = {}
    for approach in ORDER:
        judged = [result for result in results.get(approach, ()) if result.judged]
        if not judged:
            continue
        cost = cost_of(judged)
        line = Measured(
            approach,
            len({result.case for result in judged}),
            fmean(result.passed for result in judged),
            interval_of(judged),
            cost.latency_ms,
            cost.prompt_tokens + cost.completion_tokens,
            runs.get(approach, ""),
            upkeep=UPKEEP[approach],
            written=cost.completion_tokens,
            failed=sum(bool(result.error) for result in judged),
        )
        if (took := (taken or {}).get(approach)) and took.answers:
            line.seconds = took.seconds / took.answers
            line.joules = None if took.joules is None else took.joules / took.answers
        if approach != "bare" and results.get("bare"):
            line.gain = difference(results, "bare", approach)
        line.confidence = confidence_of(line)
        found[approach] = line
    return found


def interval_of(results: Sequence[CaseResult]) -> tuple[float, float]:
    """The interval of a share of passed cases; of epochs and paraphrases, of their means."""
    clusters = [result.cluster for result in results]
    if len(set(clusters)) == len(clusters):
        return exact_interval(sum(result.passed for result in results), len(results))
    low, high = mean_interval(clustered([float(result.passed) for result in results], clusters))
    return max(0.0, low), min(1.0, high)


def difference(results: Results, a: Approach, b: Approach) -> Difference | None:
    """`b` less `a` on their common cases; None where one of them was not measured."""
    if not results.get(a) or not results.get(b):
        return None
    pairs: list[Pair] = pair(results[a], results[b]).pairs
    return passes(pairs, MARGIN)


def confidence_of(line: Measured) -> str:
    """How far a score carries, in a word: by the width of its interval."""
    width = line.ci95[1] - line.ci95[0]
    return "high" if width <= 0.1 else "fair" if width <= 0.2 else "low"
