"""The next token from a row of scores: greedy or drawn, one sampler for each answer.

Knows nothing of batches: what a sampler picks depends on its row, its own past and its seed.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import llama_cpp
import msgspec
import numpy as np
import numpy.typing as npt

from engine.inference.sequences import Row
from store.records.workspace import Sampling

RANDOM_SEED = 2**32 - 1  # llama.cpp's word for "any seed"


class TokenScore(msgspec.Struct):
    """A token that was written, its log-probability by the model alone, and those of the likeliest.

    `start`: how many characters of the answer were decoded before it.
    """

    token: int
    logprob: float
    top: list[tuple[int, float]] = []
    start: int = 0


class Sampler:
    """Picks an answer's next token. Temperature 0 is greedy: the first of the highest scores.

    Otherwise top-k, top-p, min-p, then temperature, then a draw by the seed and the prompt, in llama.cpp's
    own chain: the same seed gives the same text to the same prompt. Before that, `bias` is added to scores
    and penalties are taken from them: repetition (divides or multiplies, as in CTRL, arXiv:1909.05858) for
    tokens of prompt and answer, presence and frequency (as in OpenAI's API) for those of the answer.
    Close it.
    """

    def __init__(
        self, sampling: Sampling, prompt: Sequence[int] = (), bias: Mapping[int, float] | None = None
    ) -> None:
        self._sampling = sampling
        self._bias_ids = np.fromiter(bias or (), dtype=np.int64)
        self._bias = np.fromiter((bias or {}).values(), dtype=np.float32)
        self._counts: dict[int, int] = {}
        self._penalised = bool(sampling.frequency_penalty or sampling.presence_penalty)
        self._repeated = dict.fromkeys(prompt) if sampling.repetition_penalty != 1 else None
        self._chain = None if sampling.temperature <= 0 else _chain(sampling, seed_of(sampling.seed, prompt))

    def prepare(self, row: Row) -> None:
        """Apply bias and penalties to the scores, once for each row."""
        if self._bias_ids.size:
            row[self._bias_ids] += self._bias
        if self._repeated:
            ids = np.fromiter(self._repeated, dtype=np.int64)
            factor, scores = np.float32(self._sampling.repetition_penalty), row[ids]
            row[ids] = np.where(scores > 0, scores / factor, scores * factor)
        if self._penalised and self._counts:
            ids = np.fromiter(self._counts, dtype=np.int64)
            counts = np.fromiter(self._counts.values(), dtype=np.float32)
            row[ids] -= counts * self._sampling.frequency_penalty + self._sampling.presence_penalty

    def pick(self, row: Row) -> int:
        """A token by the scores as they are. A masked token has a score of minus infinity."""
        if self._chain is None:
            return int(row.argmax())
        candidates = np.empty(row.size, dtype=_CANDIDATE)
        candidates["id"] = np.arange(row.size, dtype=np.int32)
        candidates["logit"] = row
        candidates["p"] = 0
        pointer = ctypes.cast(candidates.ctypes.data, llama_cpp.llama_token_data_p)
        array = llama_cpp.llama_token_data_array(pointer, row.size, -1, False)
        llama_cpp.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def accept(self, token: int) -> None:
        """The answer has `token` now."""
        if self._penalised:
            self._counts[token] = self._counts.get(token, 0) + 1
        if self._repeated is not None:
            self._repeated[token] = None

    def close(self) -> None:
        """Free llama.cpp's chain."""
        if self._chain is not None:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None


_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


def seed_of(seed: int, prompt: Sequence[int]) -> int:
    """What a sampler draws by. With `seed` alone, answers to other questions would draw the same numbers at
    the same places, go wrong together, and a score over many of them would be far less sure than it looks.
    """
    told = np.fromiter((seed % RANDOM_SEED, *prompt), dtype=np.int64).tobytes()
    return int.from_bytes(hashlib.blake2b(told, digest_size=4).digest(), "little") % RANDOM_SEED


def _chain(sampling: Sampling, seed: int) -> Any:
    parameters = llama_cpp.llama_sampler_chain_default_params()
    parameters.no_perf = True
    chain = llama_cpp.llama_sampler_chain_init(parameters)
    samplers = [llama_cpp.llama_sampler_init_temp(sampling.temperature)]
    if sampling.min_p > 0:
        samplers.insert(0, llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
    if sampling.top_p < 1:
        samplers.insert(0, llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.top_k > 0:
        samplers.insert(0, llama_cpp.llama_sampler_init_top_k(sampling.top_k))
    samplers.append(llama_cpp.llama_sampler_init_dist(seed))
    for sampler in samplers:
        llama_cpp.llama_sampler_chain_add(chain, sampler)
    return chain


def log_softmax(row: Row) -> npt.NDArray[np.float32]:
    """Log-probabilities [vocabulary] of scores."""
    shifted = row - row.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum(dtype=np.float64)), dtype=np.float32)


def token_score(row: Row, token: int, top: int, start: int = 0) -> TokenScore:
    """How likely `token` is by the scores of the model, and the `top` likeliest, the best first."""
    scores = log_softmax(row)
    best = np.argpartition(scores, -top)[-top:] if top else np.zeros(0, dtype=np.int64)
    best = best[np.lexsort((best, -scores[best]))]
    return TokenScore(token, float(scores[token]), [(int(one), float(scores[one])) for one in best], start)
