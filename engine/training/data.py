"""The rows of a run, of whatever objective: plain lists of token ids and labels. Knows no tensor."""

from __future__ import annotations

import hashlib

import msgspec

from engine.data.rendering import Row


class GeneralSet(msgspec.Struct):
    """Rows that have nothing to do with the task, each of a kind: what forgetting is measured on."""

    name: str
    rows: list[Row]
    kinds: list[str]


class TrainingData(msgspec.Struct):
    """What a run trains on, and what it is tried on while it trains.

    `rows` hold a preference's chosen endings; `rejected` stands beside them, one for one, and `desirable`
    beside the rows of unpaired preferences. `heldout` is never trained on; `tried`, a part of the rows that
    are held out, is measured before and behind the run, of `tried_of` rows in all. On `compared`, taken from
    `compared_from`, the base in 4 bits is measured against itself in 16.
    """

    rows: list[Row]
    rejected: list[Row] = []
    desirable: list[bool] = []
    heldout: TrainingData | None = None
    tried: TrainingData | None = None
    tried_of: int = 0
    general: GeneralSet | None = None
    compared: list[Row] = []
    compared_from: str = ""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row, both endings of a preference together."""
        own = [len(row.input_ids) for row in self.rows]
        if not self.rejected:
            return own
        return [length + len(row.input_ids) for length, row in zip(own, self.rejected, strict=True)]

    def digest(self) -> str:
        """A sha256 over all that is trained, in its order: a run that goes on must be given the same."""
        found = hashlib.sha256()
        for rows in (self.rows, self.rejected):
            for row in rows:
                found.update(msgspec.msgpack.encode((row.input_ids, row.labels)))
        found.update(msgspec.msgpack.encode(self.desirable))
        return found.hexdigest()
