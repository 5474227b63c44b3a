"""Many sequences of tokens in a llama.cpp context, each with a memory of its own: decode, copy, cut.

A row of a batch is then computed as it would be alone, to the last bit on most quantised files
(docs/decisions/0017). Does not know requests, turns or texts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp
import msgspec
import numpy as np
import numpy.typing as npt

from engine.inference.batch import Batch
from engine.inference.llama import Model, context_parameters, decode, new_context
from store.errors import TemperError

Row = npt.NDArray[np.float32]


class Piece(msgspec.Struct):
    """Tokens that go behind what a sequence holds.

    `scored`: of which ones the logits are wanted; one bool is the last one's.
    """

    sequence: int
    ids: Sequence[int]
    scored: Sequence[bool] | bool = True


class Sequences:
    """A context of `count` sequences, each of at most `size` tokens. Close it before its model.

    `held` are each sequence's tokens. At most `outputs` tokens of a step can be scored, `count` when left
    out. Raises TemperError where memory does not suffice.
    """

    def __init__(self, model: Model, size: int, count: int, outputs: int = 0) -> None:
        self.model = model
        self.count = count
        parameters = context_parameters(model, size)
        parameters.n_ctx = size * count
        parameters.n_seq_max = count
        # Room for a row of scores of each sequence; llama.cpp's own would be one for each token of a batch.
        parameters.n_outputs_max = self.outputs = outputs or count
        # With cells in common every row would look over those of all, and sum in another order.
        parameters.kv_unified = False
        self.handle = new_context(model, parameters)
        self.memory = llama_cpp.llama_get_memory(self.handle)
        self.size = size
        self.batch_size = int(llama_cpp.llama_n_batch(self.handle))
        # A recurrent state holds all that was read: no part of it can be cut.
        recurrent = llama_cpp.llama_model_is_recurrent(model.handle)
        self.can_share = not (recurrent or llama_cpp.llama_model_is_hybrid(model.handle))
        self.held: list[list[int]] = [[] for _ in range(count)]
        self._batch = Batch(max(self.batch_size, count))
        self._row = ctypes.c_float * model.vocabulary_size
        self._closed = False

    def decode(self, pieces: Sequence[Piece]) -> None:
        """Compute all pieces at once: at most `batch_size` tokens, `outputs` of them scored.

        A sequence has one piece at most. `row` then gives the scores. Raises TemperError where llama.cpp
        cannot go on, and forgets all.
        """
        self._batch.clear()
        for piece in pieces:
            held = self.held[piece.sequence]
            self._batch.add(piece.sequence, len(held), piece.ids, piece.scored)
        try:
            decode(self.model, self.handle, self._batch.c)
        except TemperError:
            self.clear()
            raise
        for piece in pieces:
            self.held[piece.sequence] += piece.ids

    def row(self, token: int) -> Row:
        """Scores [vocabulary] behind the token of that number in the last step; llama.cpp's own memory.

        Good until the next decoding, and may be written to.
        """
        pointer = llama_cpp.llama_get_logits_ith(self.handle, token)
        return np.frombuffer(self._row.from_address(ctypes.addressof(pointer.contents)), dtype=np.float32)

    def copy(self, source: int, target: int, length: int) -> None:
        """Make `target` hold the first `length` tokens of `source` and nothing else."""
        self.cut(target, 0)
        llama_cpp.llama_memory_seq_cp(
            self.memory, source, target, -1, -1
        )  # only whole memories can be copied
        self.held[target] = self.held[source].copy()
        self.cut(target, length)

    def cut(self, sequence: int, length: int) -> int:
        """Forget what `sequence` holds behind its first `length` tokens; how many it still holds.

        That is none where the model cannot forget a part of what it read.
        """
        if length < len(self.held[sequence]):
            if not llama_cpp.llama_memory_seq_rm(self.memory, sequence, length, -1):
                length = 0
                llama_cpp.llama_memory_seq_rm(self.memory, sequence, -1, -1)
            del self.held[sequence][length:]
        return len(self.held[sequence])

    def clear(self) -> None:
        """Forget everything."""
        llama_cpp.llama_memory_clear(self.memory, True)
        for held in self.held:
            held.clear()

    def close(self) -> None:
        """Free the memory."""
        if not self._closed:
            self._closed = True
            llama_cpp.llama_free(self.handle)
