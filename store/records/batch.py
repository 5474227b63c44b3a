"""The first forward pass of a run as the model got it, and held-out samples that it finds easy or hard.

Both lie beside the run as JSON (artifacts/first_batch.json, artifacts/samples.json).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.preview import Token

Place = Literal["answer", "chosen", "rejected", "prompt of another"]
"""What a row of a batch is. answer: a row of its own. chosen, rejected: the endings of a preference. prompt
of another: kto's estimate of how far the model has gone takes each answer behind its neighbour's prompt."""


class BatchRow(msgspec.Struct, omit_defaults=True):
    """One row of the batch. `line` is its source's, 0 for a row that is put together of two.

    `trained` of a token says that it is predicted, with loss, from those before it. `start` is the slot of
    the first token in the tensor's row; `padding` slots behind the last one hold nothing.
    """

    place: Place
    line: int
    tokens: list[Token]
    start: int = 0
    padding: int = 0

    @property
    def trained(self) -> int:
        """Tokens that carry loss."""
        return sum(token.trained for token in self.tokens)


class FirstBatch(msgspec.Struct):
    """The first of `passes` forward passes of the first optimiser step.

    `shape` is that of the tensor of ids: rows, slots. `packed`: rows stand one behind the other in one row of
    the tensor, and none sees another; else each has a row of its own, padded on the right.
    """

    objective: str
    packed: bool
    passes: int
    shape: tuple[int, int]
    rows: list[BatchRow]

    @property
    def tokens(self) -> int:
        """Tokens in all, padding left out."""
        return sum(len(row.tokens) for row in self.rows)

    @property
    def trained(self) -> int:
        """Tokens that carry loss."""
        return sum(row.trained for row in self.rows)


class Sample(msgspec.Struct):
    """A held-out row: what was asked, the answer that it should have been, the mean loss of its tokens.

    `prompt` is all that stands before the first token with loss, `answer` all from there on. `loss` is in
    nats per token, `accuracy` the share of its tokens that the model finds the likeliest. `line` is the
    source's.
    """

    line: int
    loss: float
    accuracy: float
    tokens: int
    prompt: str
    answer: str


class Samples(msgspec.Struct):
    """The held-out rows with the lowest and with the highest loss, lowest and highest first.

    Measured behind `step` on `rows` of the `held_out` rows that there are.
    """

    step: int
    rows: int
    held_out: int
    loss: float
    best: list[Sample]
    worst: list[Sample]
