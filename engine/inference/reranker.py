"""How well texts answer a query, by a GGUF cross-encoder on the CPU: query and text are read together.

llama.cpp's pooling `rank`, which is right for XLM-RoBERTa, RoBERTa and Qwen; its converter loses a layer of
plain BERTs, and these are refused. Does not know where texts come from, nor what is done with the scores.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.export.gguf_header import read_header
from engine.inference.batch import Batch
from engine.inference.llama import Model, context_parameters, new_context
from store.errors import TemperError, UsageError
from store.hashing import sha256_of_file

BATCH_TOKENS = 512
"""Tokens read at once. Attention is computed between all of them, so more at once is slower."""
LONGEST_WINDOW = 2048
"""Most tokens of query and text, whatever the model could read: the memory needed grows with its square."""
QUERY_SHARE = 2
"""A query longer than this part of the window is cut too."""


class Reranker:
    """A cross-encoder. Raises MissingError, UsageError (no cross-encoder) or TemperError. Close it.

    `window` is the most tokens of a query and a text that are read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = Model(path, gpu=False)
        self.window = min(self._model.context_length or BATCH_TOKENS, LONGEST_WINDOW)
        room = max(self.window, BATCH_TOKENS)
        self._most_texts = min(BATCH_TOKENS, int(llama_cpp.llama_max_parallel_sequences()))
        try:
            self._context = rank_context(self._model, room, self._most_texts)
        except BaseException:
            self._model.close()
            raise
        self._batch = Batch(room)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._run = llama_cpp.llama_encode if self._memory is None else llama_cpp.llama_decode
        template = llama_cpp.llama_model_chat_template(self._model.handle, b"rerank")
        self._template = (template or b"").decode("utf-8", errors="replace")
        self._closed = False

    @property
    def sha256(self) -> str:
        """The file's hash: which cross-encoder this is."""
        return sha256_of_file(self.path)

    def scores(
        self, query: str, texts: Sequence[str], cut: list[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """Scores [len(texts)]: the higher, the better a text answers. Their scale is the model's own.

        A text longer than the window is cut at its end; its index is added to `cut`.
        """
        pairs = []
        for index, text in enumerate(texts):
            ids, whole = self.pair(query, text)
            pairs.append(ids)
            if not whole and cut is not None:
                cut.append(index)
        found = np.zeros(len(texts), dtype=np.float32)
        for batch in batches([len(ids) for ids in pairs], self._most_texts):
            self._score(batch, pairs, found)
        return found

    def close(self) -> None:
        """Free the model."""
        if not self._closed:
            self._closed = True
            llama_cpp.llama_free(self._context)
            self._model.close()

    def __enter__(self) -> Reranker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pair(self, query: str, text: str) -> tuple[list[int], bool]:
        """Ids of a query and a text as the model reads them together, and whether nothing was cut."""
        before, between, after = self._frame()
        room = self.window - len(before) - len(between) - len(after)
        asked = self._model.tokenise(query, parse_special=False)
        said = self._model.tokenise(text, parse_special=False)
        left = asked[: max(1, room // QUERY_SHARE)] if len(asked) + len(said) > room else asked
        right = said[: max(0, room - len(left))]
        return [*before, *left, *between, *right, *after], len(left) + len(right) == len(asked) + len(said)

    def _frame(self) -> tuple[list[int], list[int], list[int]]:
        """Ids before the query, between it and the text, and behind: by the file's template or rules."""
        model = self._model
        if self._template:
            before, _, rest = self._template.partition("{query}")
            between, _, after = rest.partition("{document}")
            return model.tokenise(before), model.tokenise(between), model.tokenise(after)
        separator = int(llama_cpp.llama_vocab_sep(model.vocab))
        end = model.eos_id if model.eos_id >= 0 else separator
        ends = [end] if llama_cpp.llama_vocab_get_add_eos(model.vocab) else []
        separators = [separator] if llama_cpp.llama_vocab_get_add_sep(model.vocab) else []
        return [model.bos_id] if model.adds_bos else [], ends + separators, ends or separators

    def _score(self, indexes: list[int], pairs: list[list[int]], found: npt.NDArray[np.float32]) -> None:
        """Fill the places `indexes` of `found`."""
        if self._memory is not None:
            llama_cpp.llama_memory_clear(self._memory, False)
        self._batch.clear()
        for sequence, index in enumerate(indexes):
            self._batch.add(sequence, 0, pairs[index], [True] * len(pairs[index]))
        code = self._run(self._context, self._batch.c)
        if code != 0:
            raise TemperError(
                "The reranker could not go on",
                f"{self.path.name}: llama.cpp ended with code {code}.",
                "Search again, or leave the reranker out.",
            )
        for sequence, index in enumerate(indexes):
            found[index] = llama_cpp.llama_get_embeddings_seq(self._context, sequence)[0]


def batches(lengths: Sequence[int], most_texts: int) -> Iterator[list[int]]:
    """Indexes of texts that are read together: of about equal length, at most BATCH_TOKENS."""
    batch: list[int] = []
    filled = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (filled + lengths[index] > BATCH_TOKENS or len(batch) == most_texts):
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += lengths[index]
    if batch:
        yield batch


def head_problem(architecture: str, tensors: Container[str]) -> str:
    """What is wrong with a file's head, in words; empty where nothing is.

    llama.cpp ends the process when a model without a head is asked for scores. Few files say that they are
    cross-encoders: only the head shows it.
    """
    if "cls.output.weight" not in tensors and "cls.weight" not in tensors:
        return "is no cross-encoder: it has no head"
    if architecture == "bert" and "cls.weight" not in tensors:
        return "lost a layer when it was converted: llama.cpp's converter leaves out the pooler of a BERT"
    return ""


def rank_context(model: Model, room: int, most_texts: int) -> Any:
    """A context for `room` tokens at once. Raises UsageError where the model gives no score."""
    header = read_header(model.path)
    architecture = str(header.metadata.get("general.architecture", ""))
    problem = head_problem(architecture, {tensor.name for tensor in header.tensors})
    if problem:
        raise UsageError(
            "This cannot score a query and a text",
            f"{model.path.name} {problem}.",
            "Name a GGUF of another cross-encoder, such as an XLM-RoBERTa's, or leave the reranker out.",
        )
    parameters = context_parameters(model, room)
    parameters.n_batch = parameters.n_ubatch = room
    parameters.n_seq_max = most_texts
    parameters.embeddings = True
    parameters.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_RANK
    parameters.kv_unified = True
    parameters.offload_kqv = parameters.op_offload = False
    return new_context(model, parameters)
