"""A search as stages, each of which reports what it was given, what it kept, and what it dropped and why.

query, filter, ranking, rerank, diversity, parents, budget: those that are asked for, in this order. Does not
know how a generation is opened or followed.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from engine.retrieval.choosing import diverse, with_parents, within_tokens
from engine.retrieval.chunking.settings import Measure
from engine.retrieval.dating import mark_stale
from engine.retrieval.opened import Opened
from engine.retrieval.ranking import WEIGHTS, Scores, Signals, Weights, rank
from engine.retrieval.rewriting import Write, searched_for
from store import clock
from store.errors import UsageError
from store.records.knowledge import Dropped, Hit, SearchOptions, SearchStage
from store.records.workspace import Search

CANDIDATES = 50
"""Passages that the later stages choose from, at least."""
NAMED = 10
"""Dropped passages of a stage that are named; all are counted."""


Places = npt.NDArray[np.int64]


class Reranks(Protocol):
    """Whoever reads question and passage together: engine.inference.reranker."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """A score per text, higher for a better answer."""


class Tools(msgspec.Struct):
    """What a search may use: the embedder always, the others where they are configured."""

    embedder: Measure
    write: Write | None = None
    rerank: Reranks | None = None
    weights: Weights = WEIGHTS


class Found(msgspec.Struct):
    """What a search found: hits, best first, the query as it was searched for, and the report."""

    hits: list[Hit]
    query: str
    stages: list[SearchStage]


def settled(options: SearchOptions, settings: Search) -> SearchOptions:
    """`options` with what they leave open taken from the settings."""
    usual = {
        "query": settings.query,
        "rerank": bool(settings.reranker),
        "diversity": settings.diversity,
        "parents": settings.parents,
        "budget_tokens": settings.budget_tokens,
    }
    open_ones = {name: value for name, value in usual.items() if getattr(options, name) is None}
    return msgspec.structs.replace(options, **open_ones)


def find(
    opened: Opened, query: str, top_k: int, asked: SearchOptions, settings: Search, tools: Tools
) -> Found:
    """The `top_k` best passages. Empty without a query or documents that may answer.

    Raises UsageError for a date that is none, a diversity out of 0..1, or a reranker that is not configured.
    """
    options = settled(asked, settings)
    _check(options, tools)
    report = Report()
    meant, note = searched_for(query, options.query or "as_asked", tools.write)
    if note:
        report.add("query", 1, 1, note)
    signals = opened.signals(query, tools.embedder, meant)
    scores = rank(signals, opened.sections, tools.weights)
    places = _filtered(opened, options, report) if query.strip() else np.arange(0)
    count = max(CANDIDATES, top_k)
    best = _best(scores, places, count)
    report.add("ranking", len(places), len(best), _ranking_note(signals))
    hits = [opened.hit(at, float(scores[at]), signals) for at in best]
    if options.rerank and tools.rerank is not None and hits:
        hits = _reranked(query, hits, tools.rerank, report)
    at = dict(zip((hit.chunk for hit in hits), best, strict=True))
    hits = _chosen(opened, hits, at, top_k, options, report)
    stale = mark_stale(hits, opened.vectors[[at[hit.chunk] for hit in hits]], settings.stale_days, _today())
    if stale:
        report.add("dates", len(hits), len(hits), f"{stale} may be out of date")
    hits = _fitted(opened, hits, options, settings, tools, report)
    if options.freshest:
        hits = sorted(hits, key=lambda hit: hit.date, reverse=True)
    return Found(hits, meant, report.stages)


class Report:
    """Stages with the time since the last."""

    def __init__(self) -> None:
        self.stages: list[SearchStage] = []
        self._begin = time.perf_counter()

    def add(self, name: str, given: int, kept: int, note: str = "", dropped: Sequence[Dropped] = ()) -> None:
        """A stage has ended."""
        now = time.perf_counter()
        spent = round((now - self._begin) * 1000, 3)
        self.stages.append(SearchStage(name, given, kept, note, list(dropped[:NAMED]), spent))
        self._begin = now


def _check(options: SearchOptions, tools: Tools) -> None:
    if not 0 <= (options.diversity or 0) <= 1:
        raise UsageError(
            "Diversity is a share", f"Got {options.diversity}.", "Give a number from 0 (none) to 1."
        )
    if options.rerank and tools.rerank is None:
        raise UsageError(
            "No reranker is configured",
            "The search is to be reranked, and [knowledge.NAME.search] names no reranker.",
            'Name a GGUF cross-encoder there: reranker = "models/reranker.gguf"',
        )


def _filtered(opened: Opened, options: SearchOptions, report: Report) -> Places:
    """Places of the passages that may answer."""
    narrowed = opened.narrowed(options)
    if narrowed is None:
        return np.arange(len(opened.chunks))
    places, told = narrowed
    report.add("filter", len(opened.chunks), len(places), f"documents left out: {told or 'none'}")
    return places


def _fitted(
    opened: Opened, hits: list[Hit], options: SearchOptions, settings: Search, tools: Tools, report: Report
) -> list[Hit]:
    """The hits as sections, and as many as the budget has room for."""
    if options.parents and hits:
        given = len(hits)
        texts = {document.name: document.text for document in opened.documents}
        hits, dropped = with_parents(
            hits, opened.of_document.__getitem__, texts.__getitem__, settings.parent_characters
        )
        report.add("parents", given, len(hits), f"sections of at most {settings.parent_characters}", dropped)
    if options.budget_tokens and hits:
        given = len(hits)
        hits, dropped = within_tokens(hits, options.budget_tokens, tools.embedder.count_tokens)
        report.add("budget", given, len(hits), f"{options.budget_tokens} tokens", dropped)
    return hits


def _today() -> datetime.date:
    return clock.now().date()


def _best(scores: Scores, places: Places, count: int) -> list[int]:
    """The `count` best of `places`, best first, equal ones in their order."""
    own = scores[places]
    if len(places) > count:
        near = np.argpartition(-own, count - 1)[:count]
        places, own = places[near], own[near]
    return [int(at) for at in places[np.lexsort((places, -own))]]


def _ranking_note(signals: Signals) -> str:
    with_words = int(np.count_nonzero(signals.words))
    return (
        f"by meaning and words; {with_words} share a word"
        if with_words
        else "by meaning alone: no known word"
    )


def _reranked(query: str, hits: list[Hit], reranker: Reranks, report: Report) -> list[Hit]:
    said = [
        float(score) for score in reranker.scores(query, [f"{hit.title}\n{hit.text}".strip() for hit in hits])
    ]
    for hit, score in zip(hits, said, strict=True):
        hit.scores["reranker"], hit.score = score, score
    ordered = sorted(hits, key=lambda hit: -hit.score)
    report.add(
        "rerank", len(hits), len(hits), f"{'the first stays' if ordered[0] is hits[0] else 'another first'}"
    )
    return ordered


def _chosen(
    opened: Opened, hits: list[Hit], at: dict[str, int], top_k: int, options: SearchOptions, report: Report
) -> list[Hit]:
    """The `top_k` that are shown."""
    if not options.diversity or not hits:
        report.add("top", len(hits), min(top_k, len(hits)), f"the best {top_k}")
        return hits[:top_k]
    vectors = opened.vectors[[at[hit.chunk] for hit in hits]]
    places, why = diverse(range(len(hits)), [hit.score for hit in hits], vectors, top_k, options.diversity)
    dropped = [Dropped(hits[n].doc, hits[n].start, hits[n].end, reason) for n, reason in why.items()]
    report.add("diversity", len(hits), len(places), f"the best {top_k}, unlike each other", dropped)
    return [hits[n] for n in places]
