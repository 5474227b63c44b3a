"""Consecutive parts of a text put together as windows that share their ends."""

from __future__ import annotations

from collections.abc import Sequence

from engine.retrieval.chunking.settings import Spans
from engine.retrieval.chunking.splitting import Span


def windows(parts: Sequence[Span], most: int, overlap: int) -> Spans:
    """Windows of at most `most` tokens over `parts`; each repeats up to `overlap` tokens of the last one."""
    made: Spans = []
    first = 0
    while first < len(parts):
        size, stop = parts[first].size, first + 1
        while stop < len(parts) and size + parts[stop].size <= most:
            size += parts[stop].size
            stop += 1
        made.append((parts[first].start, parts[stop - 1].end))
        if stop == len(parts):
            break
        first = _back(parts, first, stop, min(overlap, most - parts[stop].size))
    return made


def _back(parts: Sequence[Span], first: int, stop: int, room: int) -> int:
    """Where the next window begins: as far before `stop` as `room` tokens allow, but after `first`."""
    shared = 0
    while stop - 1 > first and shared + parts[stop - 1].size <= room:
        stop -= 1
        shared += parts[stop].size
    return stop
