"""Texts read together, each to one result: the context of embedders and cross-encoders.

A vector or a score comes of each text by the model's own pooling. Does not know what the texts are, nor what
is done with the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.inference.batch import Batch
from engine.inference.llama import Model, context_parameters, new_context
from store.errors import TemperError

BATCH_TOKENS = 512
"""Tokens read at once. Attention is computed between all of them, so more at once is slower."""
LONGEST_WINDOW = 2048
"""Most tokens of one text, whatever the model could read: the memory needed grows with its square."""


def window_of(model: Model) -> int:
    """Most tokens of a text."""
    return min(model.context_length or BATCH_TOKENS, LONGEST_WINDOW)


class Pooled:
    """A context that reads up to `most_texts` texts at once. Close it before its model.

    `pooling` is llama.cpp's number of another pooling than the file's. With `alone` it has one thread,
    whatever the size of the model. Raises TemperError where memory does not suffice.
    """

    def __init__(self, model: Model, *, pooling: int | None = None, alone: bool = False) -> None:
        self._model = model
        room = max(window_of(model), BATCH_TOKENS)
        self.most_texts = min(BATCH_TOKENS, int(llama_cpp.llama_max_parallel_sequences()))
        parameters = context_parameters(model, room)
        parameters.n_batch = parameters.n_ubatch = room
        parameters.n_seq_max = self.most_texts
        parameters.embeddings = True
        parameters.kv_unified = True
        parameters.offload_kqv = parameters.op_offload = False
        if pooling is not None:
            parameters.pooling_type = pooling
        if alone:
            parameters.n_threads = parameters.n_threads_batch = 1
            # Nothing is drawn from a vector, so the rounding of its sums does no harm, and it is faster.
            parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
        self._handle = new_context(model, parameters)
        self._batch = Batch(room)
        self._memory = llama_cpp.llama_get_memory(self._handle)
        self._run = llama_cpp.llama_encode if self._memory is None else llama_cpp.llama_decode
        self._closed = False

    @property
    def pooling(self) -> int:
        """How one result is made of those of all tokens, in llama.cpp's numbers."""
        return int(llama_cpp.llama_pooling_type(self._handle))

    def read(self, sequences: Sequence[Sequence[int]], width: int) -> npt.NDArray[np.float32]:
        """The results [len(sequences), width] of texts that were put together by `batches`.

        Raises TemperError where llama.cpp cannot go on.
        """
        if self._memory is not None:
            llama_cpp.llama_memory_clear(self._memory, False)
        self._batch.clear()
        for number, ids in enumerate(sequences):
            self._batch.add(number, 0, ids, [True] * len(ids))
        code = self._run(self._handle, self._batch.c)
        if code != 0:
            raise TemperError(
                "A text could not be read",
                f"{self._model.path.name}: llama.cpp ended with code {code}.",
                "Run the command again; what was published before is intact.",
            )
        found = np.empty((len(sequences), width), dtype=np.float32)
        for number in range(len(sequences)):
            pointer = llama_cpp.llama_get_embeddings_seq(self._handle, number)
            found[number] = np.ctypeslib.as_array(pointer, shape=(width,))
        return found

    def close(self) -> None:
        """Free the memory."""
        if not self._closed:
            self._closed = True
            llama_cpp.llama_free(self._handle)


def batches(lengths: Sequence[int], most_texts: int) -> Iterator[list[int]]:
    """Indexes of texts that are read together: of about equal length, at most BATCH_TOKENS; no empty ones."""
    batch: list[int] = []
    filled = 0
    for index in sorted((at for at, length in enumerate(lengths) if length), key=lengths.__getitem__):
        if batch and (filled + lengths[index] > BATCH_TOKENS or len(batch) == most_texts):
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += lengths[index]
    if batch:
        yield batch
