"""In what groups the next tokens of many answers are computed, learned from what groups take.

A batch is not always faster: two answers at once can take four times as long as one. And where a batch has
other kernels than an answer alone, its scores are others (docs/decisions/0025). So groups are tried beside
one at a time, and those that give other scores or do not pay are left out. Does not call llama.cpp.
"""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median

SIZES = (64, 32, 16, 8, 4, 2)
"""Groups that are tried: kernels change there. What lies between is judged by its neighbours."""
SAME = 5e-4
"""Scores this near are the same: a greedy text differs only where the two best are within twice that."""
AGAIN_STEPS = 1000
"""Steps after which groups are tried again: the load of the machine changes."""
PLAN_STEPS = 32
"""Steps for which a division into groups is kept."""
NEWEST = 5
"""A group's time is the median of so many."""


class Pace:
    """What groups of each size take, and which give the scores of one at a time."""

    def __init__(self) -> None:
        self._seconds: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=NEWEST))
        self._differ: set[int] = set()
        self._plans: dict[int, list[int]] = {}
        self._steps = 0

    def untried(self, count: int) -> int:
        """The size to try beside one at a time before `count` answers are divided; 0 for none.

        The largest that can be formed, and smaller ones where that one is of no use.
        """
        for size in SIZES:
            if size > count or size in self._differ:
                continue
            if size not in self._seconds:
                return size
            if self._time(size) < size * self._time(1):
                return 0
        return 0

    def groups(self, count: int) -> list[int]:
        """The sizes, the largest first, that take the least time together."""
        self._steps += 1
        if self._steps % AGAIN_STEPS == 0:
            self._seconds.clear()
        if self._steps % PLAN_STEPS == 0:
            self._plans.clear()
        if count not in self._plans:
            self._plans[count] = self._planned(count)
        return self._plans[count]

    def took(self, size: int, seconds: float) -> None:
        """A group of that size was computed."""
        if size not in self._seconds:
            self._plans.clear()
        self._seconds[size].append(seconds)

    def compare(self, size: int, apart: float) -> None:
        """The scores of a group of that size are so far from those of its members alone."""
        if apart > SAME:
            self._differ.add(size)
            self._plans.clear()

    def _planned(self, count: int) -> list[int]:
        """The cheapest division of every number up to `count`, each from those of smaller ones."""
        times = [0.0, *(self._time(size) for size in range(1, count + 1))]
        best: list[tuple[float, list[int]]] = [(0.0, [])]
        for total in range(1, count + 1):
            ways = [(best[total - size][0] + times[size], size) for size in range(1, total + 1)]
            spent, size = min(ways)
            best.append((spent, [size, *best[total - size][1]]))
        return sorted(best[count][1], reverse=True)

    def _time(self, size: int) -> float:
        """What a group takes, estimated from its neighbours; for ever, where it may not be formed."""
        below = max((one for one in (*SIZES, 1) if one <= size), default=1)
        above = min((one for one in SIZES if one >= size and one in self._seconds), default=below)
        if {below, above} & self._differ or (below not in self._seconds and below > 1):
            return float("inf")
        if size in self._seconds:
            return median(self._seconds[size])
        low, high = (median(self._seconds[one]) if one in self._seconds else 1.0 for one in (below, above))
        share = (size - below) / (above - below) if above > below else 0.0
        return low + share * (high - low) if above > below else low * size / below
