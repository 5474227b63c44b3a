"""Texts as vectors, through a GGUF embedding model on the CPU.

llama.cpp's low-level API: `Llama.embed` goes through Python lists. Pooling is the model's own. A context per
core, each with one thread: threads that share a batch wait for each other at every layer. Does not know what
the texts are, nor where vectors are kept.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.inference.llama import Model, memory_error, threads
from store.errors import TemperError, UsageError
from store.hashing import sha256_of_file

BATCH_TOKENS = 512
"""Tokens embedded at once. Attention is computed between all of them, so more at once is slower."""
POOLINGS = {
    llama_cpp.LLAMA_POOLING_TYPE_MEAN: "mean",
    llama_cpp.LLAMA_POOLING_TYPE_CLS: "cls",
    llama_cpp.LLAMA_POOLING_TYPE_LAST: "last",
}
LONGEST_WINDOW = 2048
"""Most tokens of one text, whatever the model could read: the memory needed grows with its square."""


class Embedder:
    """An embedding model. Raises MissingError, UsageError (no embedding model) or TemperError. Close it.

    `dimension` is the vectors' length, `window` the most tokens of a text that are read, `pooling` how one
    vector is made of those of all tokens.
    """

    def __init__(self, path: Path) -> None:
        # The CPU is fast enough for a small model, and ingest need not queue for the GPU.
        self._model = Model(path, gpu=False)
        self.path = path
        self.window = min(self._model.context_length or BATCH_TOKENS, LONGEST_WINDOW)
        self._most_texts = min(BATCH_TOKENS, int(llama_cpp.llama_max_parallel_sequences()))
        self.dimension = int(llama_cpp.llama_model_n_embd_out(self._model.handle))
        self._lanes: list[_Lane] = []
        self._free: SimpleQueue[_Lane] = SimpleQueue()
        try:
            self._add_lane()
        except BaseException:
            self._model.close()
            raise
        self._most_lanes = threads(path.stat().st_size)
        self.pooling = self._lanes[0].pooling
        self._sha256 = ""
        self._closed = False
        self._around = len(self.tokenise(""))

    @property
    def sha256(self) -> str:
        """The file's hash: which embedder this is."""
        self._sha256 = self._sha256 or sha256_of_file(self.path)
        return self._sha256

    @property
    def names(self) -> list[str]:
        """What the model is called: in its file, and the file itself."""
        keys = ("general.name", "general.basename", "general.finetune")
        return [*filter(None, (self._model.metadata.get(key, "") for key in keys)), self.path.stem]

    def tokenise(self, text: str) -> list[int]:
        """Ids of `text` with the tokens that the model puts around it; nothing in it is read as special."""
        data = text.encode("utf-8", errors="replace")
        room = len(data) + 8
        while True:
            ids = (llama_cpp.llama_token * room)()
            count = llama_cpp.llama_tokenize(self._model.vocab, data, len(data), ids, room, True, False)
            if count >= 0:
                return list(ids[:count])
            room = -count

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` has without those that the model puts around it."""
        return len(self.tokenise(text)) - self._around

    def embed(self, texts: Sequence[str], cut: list[int] | None = None) -> npt.NDArray[np.float32]:
        """Vectors [len(texts), dimension], each of length 1 (0 for a text without tokens).

        A text longer than the window is cut at its end; its index is added to `cut`.
        """
        ids = [self.tokenise(text) for text in texts]
        if cut is not None:
            cut += [index for index, tokens in enumerate(ids) if len(tokens) > self.window]
        vectors = np.zeros((len(ids), self.dimension), dtype=np.float32)
        batches = list(_batches([min(len(tokens), self.window) for tokens in ids], self._most_texts))
        while len(self._lanes) < min(self._most_lanes, len(batches)):
            self._add_lane()

        def run(batch: list[int]) -> None:
            lane = self._free.get()
            try:
                vectors[batch] = lane.embed([ids[index][: self.window] for index in batch])
            finally:
                self._free.put(lane)

        if len(batches) == 1:
            run(batches[0])
        elif batches:
            with ThreadPoolExecutor(len(self._lanes)) as pool:
                list(pool.map(run, batches))  # an error of one is raised here
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        return vectors

    def close(self) -> None:
        """Free the model."""
        if not self._closed:
            self._closed = True
            for lane in self._lanes:
                lane.close()
            self._model.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add_lane(self) -> None:
        lane = _Lane(self._model, max(self.window, BATCH_TOKENS), self._most_texts, self.dimension)
        self._lanes.append(lane)
        self._free.put(lane)


class _Lane:
    """A context with its batch, used by one thread at a time."""

    def __init__(self, model: Model, room: int, most_texts: int, dimension: int) -> None:
        self._name = model.path.name
        self._context = _new_context(model, room, most_texts)
        self._dimension = dimension
        self._batch = _Batch(room)
        pooling = int(llama_cpp.llama_pooling_type(self._context))
        self.pooling = POOLINGS.get(pooling, str(pooling))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._run = llama_cpp.llama_encode if self._memory is None else llama_cpp.llama_decode

    def embed(self, sequences: list[list[int]]) -> npt.NDArray[np.float32]:
        """A vector per sequence of ids, as the model gives it."""
        if self._memory is not None:
            llama_cpp.llama_memory_clear(self._memory, False)
        code = self._run(self._context, self._batch.fill(sequences))
        if code != 0:
            raise TemperError(
                "The embedder could not go on",
                f"{self._name}: llama.cpp ended with code {code}.",
                "Run the command again; what was published before is intact.",
            )
        vectors = np.empty((len(sequences), self._dimension), dtype=np.float32)
        for sequence in range(len(sequences)):
            pointer = llama_cpp.llama_get_embeddings_seq(self._context, sequence)
            vectors[sequence] = np.ctypeslib.as_array(pointer, shape=(self._dimension,))
        return vectors

    def close(self) -> None:
        """Free the context."""
        llama_cpp.llama_free(self._context)


class _Batch:
    """Arrays that llama.cpp reads tokens from, made once: its own batch needs a Python step per token."""

    def __init__(self, room: int) -> None:
        self._tokens = np.zeros(room, dtype=np.int32)
        self._positions = np.zeros(room, dtype=np.int32)
        self._sequences = np.zeros(room, dtype=np.int32)
        self._ones = np.ones(room, dtype=np.int32)
        self._outputs = np.ones(room, dtype=np.int8)
        number = ctypes.POINTER(llama_cpp.llama_seq_id)
        first = self._sequences.ctypes.data
        step = self._sequences.itemsize
        self._pointers = (number * room)(
            *(
                ctypes.cast(first + at * step, number)  # each token's list of sequences is one number
                for at in range(room)
            )
        )
        self._batch = llama_cpp.llama_batch(
            token=_pointer(self._tokens, llama_cpp.llama_token),
            pos=_pointer(self._positions, llama_cpp.llama_pos),
            n_seq_id=_pointer(self._ones, ctypes.c_int32),
            seq_id=self._pointers,
            logits=_pointer(self._outputs, ctypes.c_int8),
        )

    def fill(self, sequences: list[list[int]]) -> llama_cpp.llama_batch:
        """The batch with these sequences, numbered from 0."""
        at = 0
        for number, tokens in enumerate(sequences):
            end = at + len(tokens)
            self._tokens[at:end] = tokens
            self._positions[at:end] = np.arange(len(tokens))
            self._sequences[at:end] = number
            at = end
        self._batch.n_tokens = at
        return self._batch


def _batches(lengths: list[int], most_texts: int) -> Iterator[list[int]]:
    """Indexes of texts that are embedded together: of about equal length, at most BATCH_TOKENS."""
    batch: list[int] = []
    filled = 0
    for index in sorted((i for i, length in enumerate(lengths) if length), key=lengths.__getitem__):
        if batch and (filled + lengths[index] > BATCH_TOKENS or len(batch) == most_texts):
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += lengths[index]
    if batch:
        yield batch


def _new_context(model: Model, room: int, most_texts: int) -> Any:
    """A context for `room` tokens at once. Raises UsageError where the model gives no vector per text."""
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = room
    parameters.n_seq_max = most_texts
    parameters.embeddings = True
    parameters.kv_unified = True
    parameters.offload_kqv = parameters.op_offload = False
    parameters.no_perf = True
    parameters.n_threads = parameters.n_threads_batch = 1
    handle = llama_cpp.llama_init_from_model(model.handle, parameters)
    if handle is None:
        raise memory_error(f"A context of {room:,} tokens for {model.path.name} could not be made.")
    pooling = llama_cpp.llama_pooling_type(handle)
    if pooling in (llama_cpp.LLAMA_POOLING_TYPE_NONE, llama_cpp.LLAMA_POOLING_TYPE_RANK):
        llama_cpp.llama_free(handle)
        raise UsageError(
            "This is not an embedding model",
            f"{model.path.name} gives no vector per text (its pooling is {pooling}).",
            'Name a GGUF embedding model, or leave it out for the default: embedder = "builtin:minilm"',
        )
    return handle


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    """A C pointer to the first element; `array` must be kept as long as it is used."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
