"""Every question through every stage of a search, timed, and measured at each. Builds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from engine.evals.stats.graded import mean_interval
from engine.retrieval.checking.expecting import Expecting
from engine.retrieval.checking.measures import Place, is_right, scores
from engine.retrieval.opened import Opened
from engine.retrieval.ranking import rank
from engine.retrieval.stages import Tools, find
from store.records.kb_check import Latency, Mean, StageFigures
from store.records.knowledge import Hit, SearchOptions
from store.records.workspace import Search

STAGES = ("meaning", "words", "ranking", "search")
"""Meaning alone, words alone, both ranked together, and the whole search with its settings."""
LAST = STAGES[-1]
DEPTH = 200
"""Passages of a ranking that MRR looks at; the whole search is looked at as far as it answers."""


class Asked(msgspec.Struct):
    """One arm asked: by stage the measures of each question, its hits, and milliseconds by stage."""

    scores: dict[str, list[dict[str, float]]]
    hits: list[list[Hit]]
    milliseconds: dict[str, list[float]]


def ask_all(
    opened: Opened,
    known: Sequence[Expecting],
    k: int,
    settings: Search,
    tools: Tools,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """Ask all questions. `tell` is told how many of how many are done, and may raise to stop."""
    asked = Asked({stage: [] for stage in STAGES}, [], {})
    everything = [Place(chunk.doc, chunk.start, chunk.end) for chunk in opened.chunks]
    for done, one in enumerate(known):
        tell(done, len(known))
        hits = _timed(opened, one.question.question, k, settings, tools, asked.milliseconds)
        rankings = _rankings(opened, one.question.question, tools, everything)
        rankings[LAST] = [Place(hit.doc, hit.start, hit.end) for hit in hits]
        right = sum(any(is_right(place, source) for source in one.sources) for place in everything)
        for stage, ranking in rankings.items():
            asked.scores[stage].append(scores(ranking, one.sources, k, right))
        asked.hits.append(hits)
    tell(len(known), len(known))
    return asked


def figures(asked: Asked) -> list[StageFigures]:
    """Means with their intervals, by stage. A measure that only some questions have is over those."""
    return [
        StageFigures(stage, {metric: _mean(rows, metric) for metric in _metrics(rows)})
        for stage, rows in asked.scores.items()
    ]


def latencies(asked: Asked) -> dict[str, Latency]:
    """Median and 99th percentile of the whole search and of each of its stages."""
    found = {}
    for stage, taken in asked.milliseconds.items():
        p50, p99 = (round(float(value), 3) for value in np.percentile(taken, (50, 99)))
        found[stage] = Latency(p50, p99, len(taken))
    return found


def _timed(
    opened: Opened, query: str, k: int, settings: Search, tools: Tools, spent: dict[str, list[float]]
) -> list[Hit]:
    begin = time.perf_counter()
    found = find(opened, query, k, SearchOptions(), settings, tools)
    spent.setdefault(LAST, []).append((time.perf_counter() - begin) * 1000)
    for stage in found.stages:
        spent.setdefault(stage.name, []).append(stage.milliseconds)
    return found.hits


def _rankings(opened: Opened, query: str, tools: Tools, everything: list[Place]) -> dict[str, list[Place]]:
    signals = opened.signals(query, tools.embedder)
    with_words = np.where(signals.words > 0, signals.words, -np.inf)
    ranked = {
        "meaning": signals.meaning,
        "words": with_words,
        "ranking": rank(signals, opened.sections, tools.weights),
    }
    return {stage: _best(one, everything) for stage, one in ranked.items()}


def _best(ranked: npt.NDArray[np.float64], everything: list[Place]) -> list[Place]:
    order = np.argsort(-ranked, kind="stable")[:DEPTH]
    return [everything[int(at)] for at in order if np.isfinite(ranked[at])]


def _metrics(rows: Sequence[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(metric for row in rows for metric in row))


def _mean(rows: Sequence[dict[str, float]], metric: str) -> Mean:
    values = [row[metric] for row in rows if metric in row]
    low, high = mean_interval(values)
    return Mean(sum(values) / len(values), low, high, len(values))
