"""Results of each approach as lines of a table, each compared with the bare prompt on the same cases.

Knows nothing of how the answers were made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from statistics import fmean

from engine.evals.comparison.pairing import Pair, pair
from engine.evals.comparison.verdicts import MARGIN, cost_of, passes
from engine.evals.stats import mean_interval
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
WORD = re.compile(r"\w+")
HALF = 0.5


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
            mean_interval([float(result.passed) for result in judged], [result.cluster for result in judged]),
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
        if approach == "gold":
            line.held = held_share(judged)
        line.confidence = confidence_of(line)
        found[approach] = line
    return found


def held_share(results: Sequence[CaseResult]) -> float | None:
    """The share of cases whose expected answer stands in their passages, by half of its words or more.

    None where no case has both: then nobody can say whether the answers could be read there.
    """
    told = [
        (words_of(one.expected), words_of(" ".join(hit.text for hit in one.hits)))
        for one in results
        if one.expected and one.hits
    ]
    held = [len(wanted & given) >= HALF * len(wanted) for wanted, given in told if wanted]
    return fmean(held) if held else None


def words_of(text: str) -> set[str]:
    """The words of a text; of a JSON object those of its values."""
    with suppress(ValueError):
        if isinstance(value := json.loads(text), dict):
            text = " ".join(map(str, value.values()))
    return set(WORD.findall(text.casefold()))


def share_of(results: Sequence[CaseResult]) -> float | None:
    """The share that passed; None of none."""
    return fmean(one.passed for one in results) if results else None


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
