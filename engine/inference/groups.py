"""The next token of many answers, computed in the groups that pay: all at once on a GPU, learned on a CPU.

Models whose weights are floats are computed all at once too: reading the weights is what costs, and their
figures would change with the groups. Does not know what the answers are.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from engine.inference.llama import Model
from engine.inference.pace import Pace
from engine.inference.sequences import Piece, Row, Sequences

_FLOATS = {"0", "1", "32"}
"""`general.file_type` of F32, F16 and BF16 (llama.h, llama_ftype)."""


class Groups:
    """Computes steps over a model, whatever the sequences; what it learned stays when these change."""

    def __init__(self, model: Model) -> None:
        quantised = model.metadata.get("general.file_type", "") not in _FLOATS
        self._learns = quantised and not model.on_gpu
        self._model = model
        self._paces: defaultdict[int, Pace] = defaultdict(Pace)  # by the number of threads

    def rows(self, sequences: Sequences, pieces: Sequence[Piece]) -> Iterator[Row]:
        """The scores behind each piece of one token, in their order; each is good until the next is asked.

        Raises TemperError where llama.cpp cannot go on.
        """
        if not self._learns or not sequences.can_share:  # what cannot be cut cannot be tried
            yield from _computed(sequences, pieces)
            return
        pace = self._paces[self._model.threads()]
        size = pace.untried(len(pieces))
        tried = self._try(sequences, pieces[:size], pace) if size else []
        at = 0
        for group in [1] * len(pieces) if size else pace.groups(len(pieces)):
            begin = time.perf_counter()
            rows = _computed(sequences, pieces[at : at + group])
            row = next(rows)
            pace.took(group, time.perf_counter() - begin)
            if at < size:
                pace.compare(size, float(np.abs(tried[at] - row).max()))
            yield row
            yield from rows
            at += group

    def _try(self, sequences: Sequences, pieces: Sequence[Piece], pace: Pace) -> list[Row]:
        """Compute pieces at once and take them back: copies of their scores."""
        held = [len(sequences.held[piece.sequence]) for piece in pieces]
        begin = time.perf_counter()
        sequences.decode(pieces)
        pace.took(len(pieces), time.perf_counter() - begin)
        rows = [sequences.row(at).copy() for at in range(len(pieces))]
        for piece, length in zip(pieces, held, strict=True):
            sequences.cut(piece.sequence, length)
        return rows


def _computed(sequences: Sequences, pieces: Sequence[Piece]) -> Iterator[Row]:
    """All at once."""
    sequences.decode(pieces)
    for at in range(len(pieces)):
        yield sequences.row(at)
