"""How well texts answer a query, by a GGUF cross-encoder on the CPU: query and text are read together.

llama.cpp's pooling `rank`, which is right for XLM-RoBERTa, RoBERTa and Qwen; its converter loses a layer of
plain BERTs, and these are refused. Does not know where texts come from, nor what is done with the scores.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.export.gguf_header import read_header
from engine.inference.llama import Model
from engine.inference.pooled import Pooled, batches, window_of
from store.errors import UsageError
from store.hashing import sha256_of_file

QUERY_SHARE = 2
"""A query longer than this part of the window is cut too."""


class Reranker:
    """A cross-encoder. Raises MissingError, UsageError (no cross-encoder) or TemperError. Close it.

    `window` is the most tokens of a query and a text that are read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = Model(path, gpu=False)
        self.window = window_of(self._model)
        try:
            check_head(self._model)
            self._context = Pooled(self._model, pooling=llama_cpp.LLAMA_POOLING_TYPE_RANK)
        except BaseException:
            self._model.close()
            raise
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
        for batch in batches([len(ids) for ids in pairs], self._context.most_texts):
            found[batch] = self._context.read([pairs[index] for index in batch], 1)[:, 0]
        return found

    def close(self) -> None:
        """Free the model."""
        if not self._closed:
            self._closed = True
            self._context.close()
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


def check_head(model: Model) -> None:
    """Raise UsageError where the model gives no score."""
    header = read_header(model.path)
    architecture = str(header.metadata.get("general.architecture", ""))
    problem = head_problem(architecture, {tensor.name for tensor in header.tensors})
    if problem:
        raise UsageError(
            "This cannot score a query and a text",
            f"{model.path.name} {problem}.",
            "Name a GGUF of another cross-encoder, such as an XLM-RoBERTa's, or leave the reranker out.",
        )
