"""The next token of many answers, computed in the groups that pay and give the scores of each alone.

On a GPU and for weights that are floats that is all at once. Of quantised weights on a CPU it depends: for
some types a batch has kernels of its own, which round otherwise, and these go one by one; for the others it
is learned what pays (docs/decisions/0025). Does not know what the answers are.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from engine.export.gguf_header import read_header
from engine.inference.llama import Model
from engine.inference.pace import Pace
from engine.inference.sequences import Piece, Row, Sequences

FLOATS = {"f32", "f16", "bf16"}
ONE_ROUNDING = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0"}
"""Types whose kernels for one and for many round what they multiply in the same way."""

FILE_TYPES = {
    "0": "f32",
    "1": "f16",
    "32": "bf16",
    "7": "q8_0",
    "14": "q4_k",
    "15": "q4_k",
    "16": "q5_k",
    "17": "q5_k",
    "18": "q6_k",
}
"""llama.h's `general.file_type` of files whose weights are of one type, or of one that goes one by one."""

IN_A_ROW = 4
"""Tokens of one answer before another's turn, where they are computed one by one."""


class Groups:
    """Computes steps over a model, whatever the sequences; what it learned stays when these change."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._paces: defaultdict[int, Pace] = defaultdict(Pace)  # by the number of threads

    def rows(
        self, sequences: Sequences, pieces: Sequence[Piece], again: Callable[[int], Piece | None]
    ) -> Iterator[tuple[int, Row]]:
        """The scores behind each piece of one token, with its place; each is good until the next is asked.

        Where pieces are computed one by one, `again` gives the next of the same place, which follows at once:
        llama.cpp plans anew when the sequence is another. Raises TemperError where llama.cpp cannot go on.
        """
        if len(pieces) == 1 or self._way == "at once":
            yield from enumerate(_computed(sequences, pieces))
        elif self._way == "learned" and sequences.can_share:
            yield from self._learned(sequences, pieces, again)
        else:  # what cannot be cut cannot be tried
            for place, piece in enumerate(pieces):
                yield from _in_a_row(sequences, place, piece, again)

    @cached_property
    def _way(self) -> Literal["at once", "learned", "one by one"]:
        if self._model.on_gpu:
            return "at once"
        quantised = types_of(self._model) - FLOATS
        if not quantised:
            return "at once"
        return "learned" if quantised <= ONE_ROUNDING else "one by one"

    def _learned(
        self, sequences: Sequences, pieces: Sequence[Piece], again: Callable[[int], Piece | None]
    ) -> Iterator[tuple[int, Row]]:
        """In the groups that pay, once it is known which those are."""
        pace = self._paces[self._model.threads()]
        size = pace.untried(len(pieces))
        if size:
            yield from self._beside(sequences, pieces, size, pace)
            return
        at = 0
        for group in pace.groups(len(pieces)):
            if group == 1:
                yield from _in_a_row(sequences, at, pieces[at], again)
            else:
                begin = time.thread_time()
                rows = _computed(sequences, pieces[at : at + group])
                row = next(rows)
                pace.took(group, time.thread_time() - begin)
                yield at, row
                yield from enumerate(rows, at + 1)
            at += group

    def _beside(
        self, sequences: Sequences, pieces: Sequence[Piece], size: int, pace: Pace
    ) -> Iterator[tuple[int, Row]]:
        """All one by one, and the first `size` as a group besides."""
        tried = self._try(sequences, pieces[:size], pace)
        for place, piece in enumerate(pieces):
            begin = time.thread_time()
            sequences.decode([piece])
            pace.took(1, time.thread_time() - begin)
            row = sequences.row(0)
            if place < size:
                pace.compare(size, float(np.abs(tried[place] - row).max()))
            yield place, row

    def _try(self, sequences: Sequences, pieces: Sequence[Piece], pace: Pace) -> list[Row]:
        """Compute pieces at once and take them back: copies of their scores. The first time is slower."""
        held = [len(sequences.held[piece.sequence]) for piece in pieces]
        rows, seconds = list[Row](), 0.0
        for _ in range(2):
            begin = time.thread_time()
            sequences.decode(pieces)
            seconds = time.thread_time() - begin
            rows = [sequences.row(at).copy() for at in range(len(pieces))]
            for piece, length in zip(pieces, held, strict=True):
                sequences.cut(piece.sequence, length)
        pace.took(len(pieces), seconds)
        return rows


def types_of(model: Model) -> set[str]:
    """The types of a model's weights, or the one that decides how they are computed."""
    told = FILE_TYPES.get(model.metadata.get("general.file_type", ""))
    if told is not None:
        return {told}
    # Others are mixtures. Reading them takes a third of a second where the vocabulary is large.
    return {tensor.type for tensor in read_header(model.path).tensors}


def _in_a_row(
    sequences: Sequences, place: int, piece: Piece | None, again: Callable[[int], Piece | None]
) -> Iterator[tuple[int, Row]]:
    """Some tokens of one answer."""
    for _ in range(IN_A_ROW):
        if piece is not None:
            sequences.decode([piece])
            yield place, sequences.row(0)
            piece = again(place)


def _computed(sequences: Sequences, pieces: Sequence[Piece]) -> Iterator[Row]:
    """All at once."""
    sequences.decode(pieces)
    for at in range(len(pieces)):
        yield sequences.row(at)
