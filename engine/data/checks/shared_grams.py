"""Runs of words that rows of one side share with rows of the other, counted row by row.

Runs that stand in many rows (a template's own words) say nothing and are left out, as in Brown et al. 2020,
appendix C. Does not know what the sides are, nor how much is too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.data.checks.questions import questions_of
from engine.data.checks.words import WordTable, distinct, table_of

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
    questions = questions_of(texts)
    table = table_of(questions.texts)
    of = np.array(questions.of, dtype=np.int64)
    lengths = np.diff(table.starts)[of]
    n = int(np.clip(np.percentile(lengths[wanted], PERCENTILE), SHORTEST, LONGEST))
    hashes = _runs(table, n)
    our_grams, our_rows = _of_rows(hashes, table, of[wanted], n)
    their_grams, their_rows = _of_rows(hashes, table, of[searched], n)
    vocabulary = np.unique(our_grams, return_index=True)[0]
    place = np.minimum(np.searchsorted(vocabulary, their_grams), max(len(vocabulary) - 1, 0))
    hit = vocabulary[place] == their_grams if len(vocabulary) else np.zeros(0, dtype=bool)
    pairs = distinct(place[hit] * len(searched) + their_rows[hit])
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
    width = max(len(telling), 1)
    row, gram = np.divmod(distinct(rows * width + grams), width)
    row, gram = row[telling[gram]], gram[telling[gram]]
    runs = np.bincount(row, minlength=len(wanted))
    starts = np.searchsorted(found, np.arange(width + 1))
    holders = starts[gram + 1] - starts[gram]
    begins = np.repeat(np.cumsum(holders) - holders, holders)
    at = np.repeat(starts[gram], holders) + np.arange(len(begins)) - begins
    met, shared = np.unique(np.repeat(row, holders) * len(searched) + where[at], return_counts=True)
    row, holder = np.divmod(met, max(len(searched), 1))
    enough = (shared >= LEAST * runs[row]) & (runs[row] >= LEAST_RUNS)
    row, holder, share = row[enough], holder[enough], shared[enough] / runs[row[enough]]
    overlaps = Overlaps(n)
    for one in np.lexsort((holder, -share, row)).tolist():
        holding = overlaps.holders.setdefault(wanted[int(row[one])], {})
        if len(holding) < MOST_ROWS:
            holding[searched[int(holder[one])]] = float(share[one])
    return overlaps


def _runs(table: WordTable, n: int) -> Hashes:
    """A hash for each run of `n` words, by where it begins in the words of all texts (polynomial)."""
    import numpy as np

    total = max(len(table.order) - n + 1, 0)
    mix = np.random.default_rng(0).integers(1, 2**63, size=len(table.vocabulary), dtype=np.uint64)
    hashes = np.zeros(total, dtype=np.uint64)
    for at in range(n):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + mix[table.order[at : at + total]]
    return hashes


def _of_rows(hashes: Hashes, table: WordTable, texts: Ints, n: int) -> tuple[Hashes, Ints]:
    """The runs that lie in the texts of rows [m], and which of these rows each is of."""
    import numpy as np

    counts = np.maximum(np.diff(table.starts)[texts] - n + 1, 0)
    rows = np.repeat(np.arange(len(texts)), counts)
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    return hashes[np.repeat(table.starts[texts], counts) + np.arange(len(rows)) - begins], rows
