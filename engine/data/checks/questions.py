"""The different questions of a version: most checks of all rows begin with them. Knows nothing of answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from engine.data.checks.contract import normal


class Questions(msgspec.Struct):
    """The different texts (case and white space apart) in the order of the source; each row's among them."""

    texts: tuple[str, ...]
    of: list[int]

    def rows(self) -> list[list[int]]:
        """The rows of each text."""
        rows: list[list[int]] = [[] for _ in self.texts]
        for row, text in enumerate(self.of):
            rows[text].append(row)
        return rows


_latest: list[tuple[Sequence[str], Questions]] = []


def questions_of(asked: Sequence[str]) -> Questions:
    """The questions of rows; those of the rows looked at last are remembered, for every check asks."""
    if not _latest or _latest[0][0] is not asked:
        places: defaultdict[str, int] = defaultdict()
        places.default_factory = places.__len__
        of = [places[normal(text)] for text in asked]
        _latest[:] = [(asked, Questions(tuple(places), of))]
    return _latest[0][1]
