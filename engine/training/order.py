"""In which order rows are trained: which optimiser step a row belongs to, and which forward pass of it.

The step is drawn at random, as the stock trainer draws it; only within a step rows are moved, so that its
forward passes take about as long as each other. Positions are counted in rows, so a run that goes on with
other batch sizes goes on with the same rows. Knows nothing of what a row holds but its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
import numpy as np


class Position(msgspec.Struct, frozen=True):
    """How far a run is: whole optimiser steps, and rows of the order that the seed gives."""

    steps: int = 0
    rows: int = 0


START = Position()


def training_order(
    lengths: Sequence[int], steps: int, step_rows: int, micro_rows: int, seed: int, start: int = 0
) -> list[int]:
    """Indices of the rows of `steps` optimiser steps of `step_rows` each, `micro_rows` to a forward pass.

    Every row is seen once before any is seen again. `start` rows of the sequence were trained before and are
    left out. The rows of a step depend on `seed` and `step_rows` alone.
    """
    rows = _endless(len(lengths), seed)
    chosen = list(islice(rows, start, start + steps * step_rows))
    order: list[int] = []
    for begin in range(0, len(chosen), step_rows):
        order += _balanced(chosen[begin : begin + step_rows], lengths, micro_rows)
    return order


def _endless(rows: int, seed: int) -> Iterator[int]:
    epoch = 0
    while True:
        yield from np.random.default_rng([seed, epoch]).permutation(rows).tolist()
        epoch += 1


def _balanced(step: list[int], lengths: Sequence[int], micro_rows: int) -> list[int]:
    """A step's rows, so divided that its forward passes hold about as many tokens each.

    Longest first, each to the pass with the fewest tokens that has room (Graham's LPT rule, 1969).
    """
    passes: list[list[int]] = [[] for _ in range(-(-len(step) // micro_rows))]
    tokens = [0] * len(passes)
    for row in sorted(step, key=lambda index: (-lengths[index], index)):
        target = min(
            (i for i, one in enumerate(passes) if len(one) < micro_rows), key=lambda i: (tokens[i], i)
        )
        passes[target].append(row)
        tokens[target] += lengths[row]
    return [row for one in passes for row in one]
