"""Which rows are held out: seeded, of an exact share, stratified where answers repeat, and without leaks.

Rows are known here only by hashes of what is asked and of what is answered. The same question never stands
on both sides, whatever its answers. The choice depends on seed and questions, not on the file's order.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec


class RowKey(msgspec.Struct, frozen=True):
    """What a row asks and answers, as hashes."""

    asked: str
    answered: str


class _Group(msgspec.Struct):
    """Rows with the same question; `order` is where the seed puts it."""

    order: bytes
    stratum: str
    rows: list[int]


def answers_repeat(keys: Sequence[RowKey]) -> bool:
    """Whether answers look like classes: on average each stands at least four times."""
    return len(keys) >= 8 and len({key.answered for key in keys}) * 4 <= len(keys)


def choose_heldout(keys: Sequence[RowKey], share: float, seed: int, stratify: bool) -> set[int]:
    """Indices of the rows to hold out: round(share * rows) of them, at least 1 and at most all but 1.

    Stratified: each answer gives its share, rounded by largest remainder so that the total is exact. Where
    rows that share a question cannot be divided exactly, a few less are held out.
    """
    if share <= 0 or len(keys) < 2:
        return set()
    total = min(max(round(share * len(keys)), 1), len(keys) - 1)
    groups = _groups(keys, seed, stratify)
    quotas = _quotas(groups, total, len(keys))
    chosen: set[int] = set()
    rest: list[_Group] = []
    for group in groups:
        if len(group.rows) <= quotas[group.stratum]:
            quotas[group.stratum] -= len(group.rows)
            chosen.update(group.rows)
        else:
            rest.append(group)
    for group in rest:  # quotas that large groups left open are filled from anywhere
        if len(group.rows) <= total - len(chosen):
            chosen.update(group.rows)
    return chosen


def _groups(keys: Sequence[RowKey], seed: int, stratify: bool) -> list[_Group]:
    found: dict[str, _Group] = {}
    for index, key in enumerate(keys):
        if key.asked not in found:
            order = hashlib.sha256(f"{seed}:{key.asked}".encode()).digest()
            found[key.asked] = _Group(order, key.answered if stratify else "", [])
        found[key.asked].rows.append(index)
    return sorted(found.values(), key=lambda group: group.order)


def _quotas(groups: Sequence[_Group], total: int, rows: int) -> dict[str, int]:
    """Rows to hold out per stratum, by largest remainder (Hamilton); ties go to the larger stratum."""
    sizes: Counter[str] = Counter()
    for group in groups:
        sizes[group.stratum] += len(group.rows)
    quotas: dict[str, int] = defaultdict(int)
    remainders = []
    for stratum, size in sizes.items():
        whole, remainder = divmod(size * total, rows)
        quotas[stratum] = whole
        remainders.append((remainder, size, stratum))
    missing = total - sum(quotas.values())
    for _, _, stratum in sorted(remainders, reverse=True)[:missing]:
        quotas[stratum] += 1
    return quotas
