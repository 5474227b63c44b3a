"""Texts as vectors, through a GGUF embedding model on the CPU.

Pooling is the model's own. A context per core, each with one thread: threads that share a batch wait for each
other at every layer. Does not know what
the texts are, nor where vectors are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.inference.llama import Model
from engine.inference.pooled import Pooled, batches, window_of
from store.errors import UsageError
from store.hashing import sha256_of_file

POOLINGS = {
    llama_cpp.LLAMA_POOLING_TYPE_MEAN: "mean",
    llama_cpp.LLAMA_POOLING_TYPE_CLS: "cls",
    llama_cpp.LLAMA_POOLING_TYPE_LAST: "last",
}


class Embedder:
    """An embedding model. Raises MissingError, UsageError (no embedding model) or TemperError. Close it.

    `dimension` is the vectors' length, `window` the most tokens of a text that are read, `pooling` how one
    vector is made of those of all tokens.
    """

    def __init__(self, path: Path) -> None:
        # The CPU is fast enough for a small model, and ingest need not queue for the GPU.
        self._model = Model(path, gpu=False)
        self.path = path
        self.window = window_of(self._model)
        self.dimension = int(llama_cpp.llama_model_n_embd_out(self._model.handle))
        self._lanes: list[Pooled] = []
        self._free: SimpleQueue[Pooled] = SimpleQueue()
        self._closed = False
        try:
            self._add_lane()
            self.pooling = pooling_of(self._lanes[0], self._model)
        except BaseException:
            self.close()
            raise
        self._sha256 = ""
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
        readable = text.encode("utf-8", errors="replace").decode("utf-8")
        return self._model.tokenise(readable, parse_special=False, framed=True)

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
        lengths = [min(len(tokens), self.window) for tokens in ids]
        together = list(batches(lengths, self._lanes[0].most_texts))
        while len(self._lanes) < min(self._model.most_threads, len(together)):
            self._add_lane()

        def run(batch: list[int]) -> None:
            lane = self._free.get()
            try:
                vectors[batch] = lane.read([ids[index][: self.window] for index in batch], self.dimension)
            finally:
                self._free.put(lane)

        if len(together) == 1:
            run(together[0])
        elif together:
            with ThreadPoolExecutor(len(self._lanes)) as pool:
                list(pool.map(run, together))  # an error of one is raised here
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(norms > 0, norms, 1)
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
        lane = Pooled(self._model, alone=True)
        self._lanes.append(lane)
        self._free.put(lane)


def pooling_of(lane: Pooled, model: Model) -> str:
    """Its name. Raises UsageError where the model gives no vector per text."""
    if lane.pooling in (llama_cpp.LLAMA_POOLING_TYPE_NONE, llama_cpp.LLAMA_POOLING_TYPE_RANK):
        raise UsageError(
            "This is not an embedding model",
            f"{model.path.name} gives no vector per text (its pooling is {lane.pooling}).",
            'Name a GGUF embedding model, or leave it out for the default: embedder = "builtin:minilm"',
        )
    return POOLINGS.get(lane.pooling, str(lane.pooling))
