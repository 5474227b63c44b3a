"""Every question asked of an opened generation: what each way of ranking finds, and how long a search takes.

meaning    passages by cosine                    words      passages by BM25, those that share a word
fused      both, each on its range from 0 to 1   sections   the ranking that a search begins with
search     all that a search does: what the settings ask for besides

Builds nothing; knows neither run folders nor how figures are compared.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from engine.evals.stats import mean_interval
from engine.retrieval.checking.expecting import Expecting
from engine.retrieval.checking.measures import Place, is_right, scores
from engine.retrieval.opened import Opened
from engine.retrieval.ranking import Scores, rank, scaled
from engine.retrieval.stages import Tools, find
from store.records.kb_check import Latency, Mean, Metric, StageFigures
from store.records.knowledge import Hit, SearchOptions
from store.records.workspace import Search

DEPTH = 50
"""Places of a ranking that are looked at; a right one beyond counts as not found (for MRR)."""
STAGES = ("meaning", "words", "fused", "sections", "search")
LAST = STAGES[-1]
METRICS: tuple[Metric, ...] = ("recall", "mrr", "ndcg", "token_recall", "token_precision", "token_iou")
AS_SET = SearchOptions()

Advance = Callable[[int, int], None]
"""Told how many questions are done, and how many there are. May raise to stop."""


class Asked(msgspec.Struct):
    """What came of the questions, in their order.

    `scores` by stage, a dictionary of measures per question; `hits` are what a search found, best first;
    `milliseconds` of whole searches ("search") and of their stages, by name.
    """

    scores: dict[str, list[dict[str, float]]]
    hits: list[list[Hit]]
    milliseconds: dict[str, list[float]]


def ask_all(
    opened: Opened,
    questions: Sequence[Expecting],
    k: int,
    settings: Search,
    tools: Tools,
    advance: Advance = lambda done, total: None,
) -> Asked:
    """Ask them all. The first is asked twice, so that what is loaded once is in no time."""
    asked = Asked({stage: [] for stage in STAGES}, [], defaultdict(list))
    depth = max(DEPTH, k)
    if questions:
        find(opened, questions[0].question.question, depth, AS_SET, settings, tools)
    for done, one in enumerate(questions):
        advance(done, len(questions))
        begin = time.perf_counter()
        found = find(opened, one.question.question, depth, AS_SET, settings, tools)
        asked.milliseconds[LAST].append((time.perf_counter() - begin) * 1000)
        for stage in found.stages:
            asked.milliseconds[stage.name].append(stage.milliseconds)
        asked.hits.append(found.hits)
        rankings = _rankings(opened, one, depth, tools)
        rankings[LAST] = [Place(hit.doc, hit.start, hit.end) for hit in found.hits]
        right = _right_passages(opened, one)
        for name, places in rankings.items():
            asked.scores[name].append(scores(places, one.sources, k, right))
    advance(len(questions), len(questions))
    return asked


def figures(asked: Asked) -> list[StageFigures]:
    """Each stage's means with their intervals, over the questions that have the measure."""
    return [StageFigures(stage, _means(rows)) for stage, rows in asked.scores.items()]


def latencies(asked: Asked) -> dict[str, Latency]:
    """Milliseconds of a search and its stages."""
    return {
        name: Latency(float(np.percentile(times, 50)), float(np.percentile(times, 99)), len(times))
        for name, times in asked.milliseconds.items()
    }


def _means(rows: Sequence[dict[str, float]]) -> dict[str, Mean]:
    found: dict[str, Mean] = {}
    for metric in METRICS:
        values = [row[metric] for row in rows if metric in row]
        if values:
            found[metric] = Mean(float(np.mean(values)), *mean_interval(values), len(values))
    return found


def _rankings(opened: Opened, one: Expecting, depth: int, tools: Tools) -> dict[str, list[Place]]:
    """Places by stage, best first; of the stages before a search does what is asked besides."""
    signals = opened.signals(one.question.question, tools.embedder)
    by_stage = {
        "meaning": signals.meaning,
        "words": np.where(signals.words > 0, signals.words, -np.inf),
        "fused": scaled(signals.meaning) + scaled(signals.words),
        "sections": rank(signals, opened.sections, tools.weights),
    }
    return {name: _best(opened, values, depth) for name, values in by_stage.items()}


def _best(opened: Opened, values: Scores, depth: int) -> list[Place]:
    order = np.argsort(-values, kind="stable")[:depth]
    chunks = [opened.chunks[int(at)] for at in order if np.isfinite(values[at])]
    return [Place(chunk.doc, chunk.start, chunk.end) for chunk in chunks]


def _right_passages(opened: Opened, one: Expecting) -> int:
    """Passages that are right ones for any of the sources."""
    docs = {source.doc for source in one.sources}
    places = [
        Place(chunk.doc, chunk.start, chunk.end) for doc in docs for chunk in opened.of_document.get(doc, ())
    ]
    return sum(any(is_right(place, source) for source in one.sources) for place in places)
