"""Runs of words that rows of one side share with rows of the other, counted row by row.

Runs that stand in many rows (a template's own words) say nothing and are left out, as in Brown et al. 2020,
appendix C. Does not know what the sides are, nor how much is too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.data.checks.words import words_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]

LONGEST, SHORTEST = 13, 4
PERCENTILE = 5
COMMON = 10
"""A run that stands in more rows of the searched side than this, and"""
COMMON_SHARE = 0.001
"""in more than this share of them, belongs to a template."""
LEAST_RUNS = 2
"""A row with fewer runs that say something is not judged."""
LEAST = 0.5
MOST_ROWS = 20


class Overlaps(msgspec.Struct):
    """For each row of the one side the rows of the other that hold at least half of its runs, the most alike
    first, with the share that they hold. `n` is the length of a run in words."""

    n: int
    holders: dict[int, dict[int, float]] = {}


def shared_grams(texts: Sequence[str], searched: Sequence[int], wanted: Sequence[int]) -> Overlaps:
    """Which rows of `searched` hold much of which rows of `wanted` (indices into `texts`)."""
    import numpy as np

    if not wanted or not searched:
        return Overlaps(0)
    ids: dict[str, int] = {}
    ours, our_lengths = _numbered([texts[row] for row in wanted], ids)
    known = len(ids)
    theirs, their_lengths = _numbered([texts[row] for row in searched], ids, known)
    n = int(np.clip(np.percentile(our_lengths, PERCENTILE), SHORTEST, LONGEST))
    mix = np.random.default_rng(0).integers(1, 2**63, size=known + 1, dtype=np.uint64)
    our_grams, our_rows = _runs(ours, our_lengths, n, mix)
    their_grams, their_rows = _runs(theirs, their_lengths, n, mix)
    vocabulary = np.unique(our_grams)
    place = np.minimum(np.searchsorted(vocabulary, their_grams), max(len(vocabulary) - 1, 0))
    hit = vocabulary[place] == their_grams if len(vocabulary) else np.zeros(0, dtype=bool)
    pairs = np.unique(place[hit] * len(searched) + their_rows[hit])
    gram, row = np.divmod(pairs, max(len(searched), 1))
    counts = np.bincount(gram, minlength=len(vocabulary))
    telling = counts <= max(COMMON, COMMON_SHARE * len(searched))
    return _joined(
        np.searchsorted(vocabulary, our_grams), our_rows, gram, row, telling, (searched, wanted), n
    )


def _joined(
    grams: Ints,
    rows: Ints,
    found: Ints,
    where: Ints,
    telling: npt.NDArray[np.bool_],
    sides: tuple[Sequence[int], Sequence[int]],
    n: int,
) -> Overlaps:
    """The shares: `grams` of the wanted `rows`, and which of them were `found` `where` (sorted by gram)."""
    import numpy as np

    searched, wanted = sides
    overlaps = Overlaps(n)
    starts = np.searchsorted(found, np.arange(len(telling) + 1))
    begins = np.searchsorted(rows, np.arange(len(wanted) + 1))
    for at, row in enumerate(wanted):
        own = np.unique(grams[begins[at] : begins[at + 1]])
        own = own[telling[own]]
        if len(own) < LEAST_RUNS:
            continue
        holders = np.concatenate([where[starts[gram] : starts[gram + 1]] for gram in own.tolist()])
        if not len(holders):
            continue
        who, shared = np.unique(holders, return_counts=True)
        most = np.lexsort((who, -shared))[:MOST_ROWS]
        chosen = [one for one in most.tolist() if shared[one] >= LEAST * len(own)]
        if chosen:
            overlaps.holders[row] = {searched[int(who[one])]: float(shared[one] / len(own)) for one in chosen}
    return overlaps


def _numbered(texts: Sequence[str], ids: dict[str, int], known: int | None = None) -> tuple[Ints, Ints]:
    """The words of texts as numbers, one after the other, and how many each text has.

    With `known` words the table does not grow: any other word is number `known`.
    """
    import numpy as np

    flat: list[int] = []
    lengths: list[int] = []
    for text in texts:
        words = words_of(text)
        lengths.append(len(words))
        if known is None:
            flat.extend([ids.setdefault(word, len(ids)) for word in words])
        else:
            flat.extend([ids.get(word, known) for word in words])
    return np.array(flat, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _runs(flat: Ints, lengths: Ints, n: int, mix: Hashes) -> tuple[Hashes, Ints]:
    """A hash for each run of `n` words that lies in one text, and its text (polynomial over random words)."""
    import numpy as np

    rows = np.repeat(np.arange(len(lengths)), lengths)
    if len(flat) < n:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    total = len(flat) - n + 1
    hashes = np.zeros(total, dtype=np.uint64)
    for at in range(n):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + mix[flat[at : at + total]]
    inside = rows[:total] == rows[n - 1 :]
    return hashes[inside], rows[:total][inside]
