"""How good a ranking is, given the sources that it should hold. Arithmetic: knows no index.

A place in a ranking is a document where documents are expected, and a passage where parts of them are. A
passage is a right one for a part if it holds half of it, or lies by half in it. nDCG: Järvelin and
Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques (TOIS 2002), with gains of 0 and 1. The token
measures are those of Smith and Troynikov, Evaluating Chunking Strategies for Retrieval (2024), counted in
characters as their harness counts: precision and IoU divide by the passages' lengths summed, so that
passages that overlap count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2

import msgspec

from store.records.kb_check import Source

HALF = 0.5


class Place(msgspec.Struct, frozen=True):
    """A passage of a ranking: characters `start` to `end` of `doc`."""

    doc: str
    start: int
    end: int


def is_right(place: Place, source: Source) -> bool:
    """Whether a passage is one that should be found for `source`."""
    if place.doc != source.doc:
        return False
    if source.end is None:
        return True
    common = min(place.end, source.end) - max(place.start, source.start)
    shorter = min(source.end - source.start, place.end - place.start)
    return common > 0 and common >= HALF * shorter


def scores(
    ranking: Sequence[Place], sources: Sequence[Source], k: int, right_passages: int
) -> dict[str, float]:
    """Each measure of one question, in [0, 1]. `ranking` is best first and may go beyond `k`.

    `right_passages` is how many passages of the whole knowledge base are right ones (for nDCG; not used
    where documents are expected). MRR looks at the whole ranking, everything else at the first `k` places.
    Token measures are there where all sources are parts. Raises ValueError without sources.
    """
    if not sources:
        raise ValueError("a question without sources has no measures")
    parts = all(source.end is not None for source in sources)
    places = list(ranking) if parts else _by_document(ranking)
    right = [any(is_right(place, source) for source in sources) for place in places]
    found = sum(any(is_right(place, source) for place in places[:k]) for source in sources)
    first = right.index(True) + 1 if True in right else 0
    most = right_passages if parts else len(sources)
    measured = {
        "recall": found / len(sources),
        "mrr": 1 / first if first else 0.0,
        "ndcg": _gain(right[:k]) / _gain([True] * max(1, min(k, most))),
    }
    return measured | (tokens(places[:k], sources) if parts else {})


def tokens(places: Sequence[Place], sources: Sequence[Source]) -> dict[str, float]:
    """Recall, precision and IoU of the characters that should be found, in the passages that were."""
    wanted = _union((source.doc, source.start, source.end or 0) for source in sources)
    had = _union((place.doc, place.start, place.end) for place in places)
    common = sum(
        max(0, min(end, high) - max(start, low))
        for doc, start, end in wanted
        for other, low, high in had
        if doc == other
    )
    asked = sum(end - start for _, start, end in wanted)
    given = sum(place.end - place.start for place in places)
    return {
        "token_recall": common / asked if asked else 0.0,
        "token_precision": common / given if given else 0.0,
        "token_iou": common / (given + asked - common) if given + asked else 0.0,
    }


def _gain(right: Sequence[bool]) -> float:
    return sum(1 / log2(rank + 1) for rank, one in enumerate(right, 1) if one)


def _by_document(ranking: Sequence[Place]) -> list[Place]:
    """The best passage of each document."""
    first: dict[str, Place] = {}
    for place in ranking:
        first.setdefault(place.doc, place)
    return list(first.values())


def _union(spans: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The spans by document, those that overlap made one."""
    merged: list[tuple[str, int, int]] = []
    for doc, start, end in sorted(spans):
        if merged and merged[-1][0] == doc and start <= merged[-1][2]:
            merged[-1] = (doc, merged[-1][1], max(end, merged[-1][2]))
        else:
            merged.append((doc, start, end))
    return merged
