"""How often each of many 64-bit hashes was seen before, in twelve bytes per distinct one.

Sorted runs of doubling size are kept and merged (the logarithmic method of Bentley and Saxe, 1980): a Python
dict of the same would take about a hundred bytes per row. Does not know what the hashes are of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Counts = npt.NDArray[np.uint32]


class Occurrences:
    """Numbers equal hashes in the order in which they come."""

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Counts]] = []

    def number(self, hashes: Hashes) -> Counts:
        """For each of `hashes` [n] the how manieth of its kind it is, from 1 on, in all calls so far."""
        import numpy as np

        order = np.argsort(hashes, kind="stable")
        distinct, first, counts = np.unique(hashes[order], return_index=True, return_counts=True)
        before = sum((self._seen(run, distinct) for run in self._runs), np.zeros(len(distinct), np.uint32))
        numbers = np.empty(len(hashes), np.uint32)
        within = np.arange(len(hashes)) - np.repeat(first, counts)
        numbers[order] = np.repeat(before, counts) + within + 1
        self._keep((distinct, counts.astype(np.uint32)))
        return numbers

    @staticmethod
    def _seen(run: tuple[Hashes, Counts], wanted: Hashes) -> Counts:
        import numpy as np

        hashes, counts = run
        at = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
        return np.where(hashes[at] == wanted, counts[at], 0).astype(np.uint32)

    def _keep(self, run: tuple[Hashes, Counts]) -> None:
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]):
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)


def _merged(one: tuple[Hashes, Counts], other: tuple[Hashes, Counts]) -> tuple[Hashes, Counts]:
    import numpy as np

    hashes = np.concatenate([one[0], other[0]])
    counts = np.concatenate([one[1], other[1]])
    order = np.argsort(hashes, kind="stable")
    hashes, counts = hashes[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    return hashes[starts], np.add.reduceat(counts, starts).astype(np.uint32)
