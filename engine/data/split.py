"""Which rows are held out: seeded, of an exact share where rows allow it, and without leaks.

By chance, stratified by answer, by group, by cluster of near-duplicates, or the newest. But for the newest,
the same question never stands on both sides, whatever its answers. The choice depends on seed and rows, not
on the file's order. Of a row its hashes are in memory; clusters need its text too, which is read again.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.data.checks.contract import answer_of, normal, text_of
from engine.data.moments import readings
from store.errors import UsageError
from store.records.data import Example, ImportOptions, SplitBy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Hashes = npt.NDArray[np.uint64]

HASH_BYTES = 8
"""Among a million questions two different ones share a hash with probability 3e-8."""


class Choice(msgspec.Struct):
    """Indices of the rows held out, whether each answer gave its share, and what did not fit (sentences)."""

    heldout: set[int]
    stratified: bool = False
    notes: list[str] = []


class SplitKeys:
    """What of each row decides on which side it stands, in a few bytes per row."""

    def __init__(self, by: SplitBy = "") -> None:
        self.asked = array("Q")
        self.answered = array("Q")
        self.groups = array("Q")
        self.times: list[str] = []
        self._by = by

    def __len__(self) -> int:
        return len(self.asked)

    def add(self, example: Example) -> None:
        """The next row of the source."""
        prompt = example.messages[: example.prompt_turns or len(example.messages) - 1]
        asked = "\0".join(normal(text_of(turn)) for turn in prompt) or normal(example.text)
        self.asked.append(_hashed(asked))
        self.answered.append(_hashed(answer_of(example).strip()))
        if self._by == "group":
            group = example.metadata.get("group", "").strip()
            self.groups.append(_hashed(group) if group else 0)
        if self._by == "time":
            self.times.append(example.metadata.get("time", ""))

    def answers_repeat(self) -> bool:
        """Whether answers look like classes: on average each stands at least four times."""
        return len(self) >= 8 and len(set(self.answered)) * 4 <= len(self)


def choose_heldout(keys: SplitKeys, options: ImportOptions, rows: Path | None = None) -> Choice:
    """The rows to hold out: round(options.heldout * rows), at least 1 and at most all but 1.

    Where rows that must stay together cannot be divided exactly, fewer are held out. `rows` is the file of
    all rows, for clusters. Raises UsageError where rows lack what the mode needs.
    """
    import numpy as np

    if options.heldout <= 0 or len(keys) < 2:
        return Choice(set())
    total = min(max(round(options.heldout * len(keys)), 1), len(keys) - 1)
    if options.split_by == "time":
        return _newest(keys, total, options.seed)
    asked = np.frombuffer(keys.asked, dtype=np.uint64)
    notes: list[str] = []
    together = [_same(asked)]
    if options.split_by == "group":
        together.append(_same_group(keys, notes))
    elif options.split_by == "cluster":
        if rows is None:
            raise ValueError("clusters need the rows")
        together.append(_alike(rows))
    stratify = _stratify(keys, options)
    strata = np.frombuffer(keys.answered, dtype=np.uint64) if stratify else np.zeros_like(asked)
    units = _units(asked, strata, together, options.seed)
    heldout = _filled(units, total, len(keys))
    if len(heldout) < total:
        notes.append(f"{len(heldout):,} rows are held out, not {total:,}: others had to stay together")
    return Choice(heldout, stratify, notes)


class _Unit(msgspec.Struct):
    """Rows that stay together; `order` is where the seed puts them."""

    order: bytes
    stratum: int
    rows: list[int]


def _stratify(keys: SplitKeys, options: ImportOptions) -> bool:
    if options.stratify is not None:
        return options.stratify
    if options.split_by in ("random", "group"):
        return False
    return options.split_by == "stratified" or keys.answers_repeat()


def _newest(keys: SplitKeys, total: int, seed: int) -> Choice:
    """The `total` rows of the latest times; the seed decides among equal ones, rows without stay in train."""
    times = readings(keys.times)
    known = [row for row, time in enumerate(times) if time is not None]
    if not known:
        example = next((time for time in keys.times if time), "")
        raise UsageError(
            "No row has a time that can be read",
            f"The first is {example!r}." if example else "No row has a time.",
            "Name the column of times with --map time=COLUMN when importing.",
        )
    tie = [_order(seed, keys.asked[row]) for row in known]
    newest = sorted(range(len(known)), key=lambda at: (times[known[at]], tie[at], keys.answered[known[at]]))
    unread = len(times) - len(known)
    notes = [f"{unread:,} rows without a time that can be read stay in train"] if unread else []
    held = {known[at] for at in newest[max(len(known) - total, 0) :]}
    if len(held) == len(times):
        held.discard(known[newest[0]])
    return Choice(held, notes=notes)


def _same(values: Hashes) -> tuple[Ints, Ints]:
    """Edges that tie all rows of equal value together."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    equal = values[order][1:] == values[order][:-1]
    return order[:-1][equal], order[1:][equal]


def _same_group(keys: SplitKeys, notes: list[str]) -> tuple[Ints, Ints]:
    import numpy as np

    groups = np.frombuffer(keys.groups, dtype=np.uint64)
    known = np.flatnonzero(groups)
    if not len(known):
        raise UsageError(
            "No row has a group",
            "Splitting by group needs to know which rows belong together.",
            "Name the column with --map group=COLUMN when importing.",
        )
    if missing := len(groups) - len(known):
        notes.append(f"{missing:,} rows without a group stand alone")
    one, other = _same(groups[known])
    return known[one], known[other]


def _alike(rows: Path) -> tuple[Ints, Ints]:
    """Edges between rows that are nearly the same, as the check of near-duplicates has it, or ask so."""
    import numpy as np

    from engine.data.checks.clusters import alike_rows

    edges = np.array(sorted(alike_rows(rows)), dtype=np.int64).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]


def _units(asked: Hashes, strata: Hashes, together: Sequence[tuple[Ints, Ints]], seed: int) -> list[_Unit]:
    """Rows that are tied together, in the order that the seed gives their least question."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    a = np.concatenate([one for one, _ in together])
    b = np.concatenate([other for _, other in together])
    graph = csr_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(asked), len(asked)))
    count, component = connected_components(graph, directed=False)
    order = np.lexsort((strata, asked, component))
    begins = np.searchsorted(component[order], np.arange(count + 1))
    first = order[begins[:-1]]
    least = asked[first].tolist(), strata[first].tolist()
    rows = order.tolist()
    units = [
        _Unit(_order(seed, question), stratum, rows[begins[at] : begins[at + 1]])
        for at, (question, stratum) in enumerate(zip(*least, strict=True))
    ]
    return sorted(units, key=lambda unit: unit.order)


def _filled(units: Sequence[_Unit], total: int, rows: int) -> set[int]:
    quotas = _quotas(units, total, rows)
    chosen: set[int] = set()
    rest: list[_Unit] = []
    for unit in units:
        if len(unit.rows) <= quotas[unit.stratum]:
            quotas[unit.stratum] -= len(unit.rows)
            chosen.update(unit.rows)
        else:
            rest.append(unit)
    for unit in rest:  # quotas that large units left open are filled from anywhere
        if len(unit.rows) <= total - len(chosen):
            chosen.update(unit.rows)
    return chosen


def _quotas(units: Sequence[_Unit], total: int, rows: int) -> dict[int, int]:
    """Rows to hold out per stratum, by largest remainder (Hamilton); ties go to the larger stratum."""
    sizes: Counter[int] = Counter()
    for unit in units:
        sizes[unit.stratum] += len(unit.rows)
    quotas: dict[int, int] = defaultdict(int)
    remainders = []
    for stratum, size in sizes.items():
        whole, remainder = divmod(size * total, rows)
        quotas[stratum] = whole
        remainders.append((remainder, size, stratum))
    missing = total - sum(quotas.values())
    for _, _, stratum in sorted(remainders, reverse=True)[:missing]:
        quotas[stratum] += 1
    return quotas


def _order(seed: int, asked: int) -> bytes:
    return hashlib.sha256(f"{seed}:{asked:016x}".encode()).digest()


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:HASH_BYTES])
