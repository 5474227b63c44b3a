"""The arrays from which llama.cpp reads a batch of tokens, filled by numpy without a Python step for each.

Does not know what the tokens are for.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt


class Batch:
    """Room for `size` tokens, made once. `fill` puts pieces in, `c` is what llama_decode takes."""

    def __init__(self, size: int) -> None:
        self._tokens = np.zeros(size, dtype=np.int32)
        self._positions = np.zeros(size, dtype=np.int32)
        self._sequences = np.zeros(size, dtype=np.int32)
        self._ones = np.ones(size, dtype=np.int32)
        self._scored = np.zeros(size, dtype=np.int8)
        number = ctypes.POINTER(llama_cpp.llama_seq_id)
        first, step = self._sequences.ctypes.data, self._sequences.itemsize
        # Each token's list of sequences is one number, which lies in the array.
        self._lists = (number * size)(*(ctypes.cast(first + at * step, number) for at in range(size)))
        self.c = llama_cpp.llama_batch(
            token=_pointer(self._tokens, llama_cpp.llama_token),
            pos=_pointer(self._positions, llama_cpp.llama_pos),
            n_seq_id=_pointer(self._ones, ctypes.c_int32),
            seq_id=self._lists,
            logits=_pointer(self._scored, ctypes.c_int8),
        )

    def clear(self) -> None:
        """Take everything out."""
        self.c.n_tokens = 0

    def add(self, sequence: int, position: int, ids: Sequence[int], scored: Sequence[bool] | bool) -> None:
        """Put `ids` in, from `position` on. `scored`: whose logits are wanted; one bool is the last's."""
        at, end = self.c.n_tokens, self.c.n_tokens + len(ids)
        self._tokens[at:end] = ids
        self._positions[at:end] = np.arange(position, position + len(ids))
        self._sequences[at:end] = sequence
        if isinstance(scored, bool):
            self._scored[at:end] = 0
            self._scored[end - 1] = scored
        else:
            self._scored[at:end] = scored
        self.c.n_tokens = end


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    """A C pointer to the first element; `array` must be kept as long as it is used."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
