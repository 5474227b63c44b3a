"""Which of many texts are nearly the same: MinHash finds candidates, their words decide.

Rare words weigh more when candidates are sought, so that texts which share only common words never meet.
Knows nothing of rows, answers or splits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from engine.data.checks.words import NEGATIONS, WordTable, bags_of, distinct, table_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

JACCARD = 0.5
"""Least Jaccard similarity of the words of texts that are nearly the same."""
LONG_WORDS = 30
"""In texts of more different words, half of them in common says little:"""
LONG_SHINGLES = 0.2
"""there, pairs of neighbouring words must agree too, to this Jaccard similarity."""
BAND_ROWS = 3
BANDS = 32
"""A pair of similarity s becomes a candidate with probability 1 - (1 - s^3)^32: 0.99 at 0.5, 0.03 at 0.1."""
HEAVIEST = 4
"""The rarest words count so many times when candidates are sought, the commonest once."""
AGREEING = 0.2
"""Pairs whose sketches agree in a smaller share are not compared: what they have in common is not rare."""
BUCKET = 64
"""Where more texts share a band, each meets only"""
NEIGHBOURS = 8
"""so many that follow it in the order of another value of their sketches."""
MOST_FRESH = 10_000_000
CHUNK = 50_000
SKETCHES = 2048
"""So many pairs of sketches at once stay in a processor's cache."""
TOGETHER = 256


class Pairs(msgspec.Struct):
    """Pairs of texts by index, a[i] < b[i], with the Jaccard similarity of their words."""

    a: Ints
    b: Ints
    score: Floats

    def __len__(self) -> int:
        return len(self.a)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.a[chosen], self.b[chosen], self.score[chosen])


@lru_cache(maxsize=2)
def near_pairs(texts: tuple[str, ...], jaccard: float = JACCARD) -> Pairs:
    """Pairs of different texts that are nearly the same, most likely all of them (MinHash, Broder 1997).

    Nearly the same: words of Jaccard similarity `jaccard` or more, no number contradicted, no negation on
    one side only, and for long texts the same neighbourhoods. Several checks ask for the same texts, hence
    the cache.
    """
    table = table_of(texts)
    found = _scored(table, _candidates(table), jaccard)
    return found.where(~_contradicted(table, found))


def overlap(bags: csr_matrix, a: Ints, b: Ints) -> Ints:
    """How many things stand in both texts of each pair."""
    import numpy as np

    shared = np.zeros(len(a), dtype=np.int64)
    for begin in range(0, len(a), CHUNK):
        part = slice(begin, begin + CHUNK)
        shared[part] = np.asarray(bags[a[part]].multiply(bags[b[part]]).sum(axis=1)).ravel()
    return shared


def jaccard_of(bags: csr_matrix, a: Ints, b: Ints) -> Floats:
    """The Jaccard similarity of each pair; 0 for two empty texts."""
    import numpy as np

    sizes = np.diff(bags.indptr)
    shared = overlap(bags, a, b)
    return np.asarray(shared / np.maximum(sizes[a] + sizes[b] - shared, 1), dtype=np.float64)


def added_little(table: WordTable, pairs: Pairs) -> Floats:
    """How alike each pair is where rare words weigh more (Jaccard over inverse document frequencies).

    0 where each text has a word that the other lacks: there one thing was said instead of another.
    """
    import numpy as np

    bags = table.bags
    weights = np.log(bags.shape[0] / np.maximum(table.counts, 1))
    weighted = bags.multiply(weights).tocsr()
    whole = np.asarray(weighted.sum(axis=1)).ravel()
    sizes = np.diff(bags.indptr)
    alike = np.zeros(len(pairs))
    for begin in range(0, len(pairs), CHUNK):
        part = slice(begin, begin + CHUNK)
        a, b = pairs.a[part], pairs.b[part]
        common = bags[a].multiply(bags[b])
        shared = np.asarray(common.multiply(weights).sum(axis=1)).ravel()
        count = np.asarray(common.sum(axis=1)).ravel()
        instead = (sizes[a] > count) & (sizes[b] > count)
        union = whole[a] + whole[b] - shared
        alike[part] = np.where(instead, 0, np.divide(shared, union, out=np.ones_like(union), where=union > 0))
    return alike


def sketches(table: WordTable) -> npt.NDArray[np.uint32]:
    """Weighted MinHashes [texts, BANDS * BAND_ROWS]: a word of weight w counts as w different elements.

    A text's sketch is the union, that is the least values, of those of its words. Words of one text only
    say nothing about pairs, and are left out.
    """
    import numpy as np
    from datasketch import MinHash

    bags, size = table.bags, BANDS * BAND_ROWS
    weights = _weights(table)
    used = np.flatnonzero(weights)
    elements = (
        [f"{table.vocabulary[word]}#{copy}".encode() for copy in range(weights[word])]
        for word in used.tolist()
    )
    place = np.full(len(weights) + 1, len(used), dtype=np.int64)
    place[used] = np.arange(len(used))
    values = np.full((len(used) + 1, size), np.iinfo(np.uint32).max, dtype=np.uint32)
    for at, sketch in enumerate(MinHash.generator(elements, num_perm=size)):
        values[at] = sketch.hashvalues
    return _united(values, place[bags.indices], bags.indptr)


def _united(values: npt.NDArray[np.uint32], things: Ints, begins: Ints) -> npt.NDArray[np.uint32]:
    """The least of `values` [things, k] over the things of each text: text i has begins[i] to begins[i + 1].

    Texts of like length go together, a thing of each at a time: six times as fast as `minimum.reduceat`.
    """
    import numpy as np

    sizes = np.diff(begins)
    order = np.argsort(sizes, kind="stable")
    result = np.full((len(sizes), values.shape[1]), np.iinfo(values.dtype).max, dtype=values.dtype)
    for begin in range(0, len(order), TOGETHER):
        some = order[begin : begin + TOGETHER]
        least = result[some]
        for at in range(int(sizes[some[-1]])):
            rest = int(np.searchsorted(sizes[some], at, side="right"))
            np.minimum(least[rest:], values[things[begins[some[rest:]] + at]], out=least[rest:])
        result[some] = least
    return result


def _weights(table: WordTable) -> Ints:
    """How often each word [words] counts in sketches: HEAVIEST if rare, 0 if it stands in one text only."""
    import numpy as np

    texts = table.bags.shape[0]
    counts = table.counts
    rarity = np.log(texts / np.maximum(counts, 1)) / np.log(max(texts, 2) / 2 + 1)
    weights = np.clip(np.rint(rarity * HEAVIEST), 1, HEAVIEST)
    return np.where(counts < 2, 0, weights).astype(np.int64)


def _candidates(table: WordTable) -> Pairs:
    """Pairs that share a band of their sketches (locality-sensitive hashing)."""
    import numpy as np

    marks = sketches(table)
    sizes = np.diff(table.bags.indptr)
    told = np.flatnonzero(marks[:, 0] < np.iinfo(marks.dtype).max)
    texts = max(len(marks), 1)
    keys = np.zeros(0, dtype=np.int64)
    fresh: list[Ints] = []
    for band in range(BANDS):
        columns = marks[told, band * BAND_ROWS : (band + 1) * BAND_ROWS]
        for a, b in _met(_mixed(columns), marks[told, -1]):
            a, b = told[a], told[b]
            fresh.append(np.minimum(a, b) * texts + np.maximum(a, b))
        if sum(map(len, fresh)) > MOST_FRESH or band == BANDS - 1:
            keys = distinct(np.concatenate([keys, *fresh]))
            fresh = []
    a, b = np.divmod(keys, texts)
    met = Pairs(a, b, np.zeros(len(a)))
    met = met.where(np.minimum(sizes[a], sizes[b]) >= JACCARD * np.maximum(sizes[a], sizes[b]))
    return met.where(_agreement(marks, met) >= AGREEING)


def _agreement(marks: npt.NDArray[np.uint32], pairs: Pairs) -> Floats:
    """The share of equal values in the sketches of each pair: an estimate of their weighted similarity."""
    import numpy as np

    agreeing = np.zeros(len(pairs))
    for begin in range(0, len(pairs), SKETCHES):
        part = slice(begin, begin + SKETCHES)
        equal = marks[pairs.a[part]] == marks[pairs.b[part]]
        agreeing[part] = np.count_nonzero(equal, axis=1) / marks.shape[1]
    return agreeing


def _mixed(columns: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """Several columns [n, k] as one of 64 bits: a clash costs a comparison and nothing else."""
    import numpy as np

    key = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


def _met(keys: npt.NDArray[np.uint64], order: npt.NDArray[np.uint32]) -> Iterator[tuple[Ints, Ints]]:
    """Pairs with the same key; where very many share it, only neighbours by `order`."""
    import numpy as np

    sequence = np.lexsort((order, keys))
    keys = keys[sequence]
    begin = np.searchsorted(keys, keys, side="left")
    end = np.searchsorted(keys, keys, side="right")
    place = np.arange(len(keys))
    reach = np.where(end - begin <= BUCKET, end, np.minimum(end, place + NEIGHBOURS + 1))
    first = np.flatnonzero(reach > place + 1)
    for step in range(1, BUCKET):
        first = first[reach[first] > first + step]
        if not len(first):
            return
        yield sequence[first], sequence[first + step]


def _scored(table: WordTable, pairs: Pairs, jaccard: float) -> Pairs:
    import numpy as np

    pairs = Pairs(pairs.a, pairs.b, jaccard_of(table.bags, pairs.a, pairs.b))
    pairs = pairs.where(pairs.score >= jaccard)
    sizes = np.diff(table.bags.indptr)
    long = np.minimum(sizes[pairs.a], sizes[pairs.b]) > LONG_WORDS
    if long.any():
        agree = np.ones(len(pairs), dtype=bool)
        agree[long] = jaccard_of(_shingles(table), pairs.a[long], pairs.b[long]) >= LONG_SHINGLES
        pairs = pairs.where(agree)
    return pairs


def _shingles(table: WordTable) -> csr_matrix:
    """Which pairs of neighbouring words stand in each text."""
    import numpy as np

    inside = np.ones(max(len(table.order) - 1, 0), dtype=bool)
    borders = table.starts[1:-1] - 1
    inside[borders[(borders >= 0) & (borders < len(inside))]] = False
    codes = table.order[:-1] * len(table.vocabulary) + table.order[1:]
    known, ids = np.unique(codes[inside], return_inverse=True)
    lengths = np.maximum(np.diff(table.starts) - 1, 0)
    return bags_of(ids.astype(np.int64), np.concatenate([[0], np.cumsum(lengths)]), len(known))


def _contradicted(table: WordTable, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Pairs that differ in a number (each has one that the other lacks), or in a negation."""
    import numpy as np

    numbers = [at for at, word in enumerate(table.vocabulary) if word[0].isdigit()]
    of_numbers = table.bags[:, numbers]
    sizes = np.diff(of_numbers.indptr)
    shared = overlap(of_numbers, pairs.a, pairs.b)
    differ = (sizes[pairs.a] > shared) & (sizes[pairs.b] > shared)
    negations = [at for at, word in enumerate(table.vocabulary) if word in NEGATIONS]
    denied = np.diff(table.bags[:, negations].indptr) > 0
    return np.asarray(differ | (denied[pairs.a] != denied[pairs.b]), dtype=bool)
