"""One answer being written: what was asked, the tokens and text so far, and why it ended.

Text comes in whole characters and is cut at stop strings; it is decoded as it comes, and only its tail is
searched. Knows nothing of chats (prompts are token ids) nor of other answers.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from engine.inference.llama import Model, check_fits
from engine.inference.sampler import Sampler, TokenScore, token_score
from engine.inference.sequences import Row
from engine.inference.text import TextTail
from store.errors import TemperError, UsageError
from store.records.workspace import Sampling

if TYPE_CHECKING:
    from engine.inference.structured.constraint import Constraint

FinishReason = Literal["stop", "length", "stopped", "error"]

AdapterSet = tuple[tuple[str, float], ...]
"""Adapter GGUF files and their scales, 1 as trained; empty: the base alone."""


def never() -> bool:
    """The answer is wanted to its end."""
    return False


class Request(msgspec.Struct):
    """A prompt as token ids, and how it is to be answered.

    `trailing` is dropped where the answer ends with it. `bias` is added to the scores of tokens. `logprobs`:
    how many of the likeliest tokens are told beside each token's own; None: none are computed. `stopped` is
    asked between steps. The text is one that `constraint` allows, as far as it goes.
    """

    ids: Sequence[int]
    sampling: Sampling
    stops: Sequence[str] = ()
    trailing: str = ""
    constraint: Constraint | None = None
    adapters: AdapterSet = ()
    bias: Mapping[int, float] = {}
    logprobs: int | None = None
    stopped: Callable[[], bool] = never


class Generation:
    """The answer to a request: `take` gives the text that came since it was last asked.

    `finish_reason` is None while it is being written, then `stop` (the model ended it, or a stop string),
    `length` (max_tokens; with `overflow` the context is full), `stopped` (no longer wanted) or `error`
    (`failure` says which). The token that ends an answer is not counted. Under a constraint only `stop` is a
    complete answer. Raises UsageError for a prompt without tokens or without room for one more.
    """

    def __init__(self, request: Request, model: Model, size: int) -> None:
        check_fits(len(request.ids), size)
        check_bias(request.bias, model)
        room = size - len(request.ids)
        self.request = request
        self.limit = min(request.sampling.max_tokens, room)
        self.overflow = False
        self.finish_reason: FinishReason | None = None
        self.failure: TemperError | None = None
        self.ids: list[int] = []
        self.scores: list[TokenScore] = []
        self.prompt_tokens = len(request.ids)
        self.reused_tokens = 0
        self.first_token_ms = 0.0
        self._admitted = time.perf_counter()
        self.model = model
        self._sampler = Sampler(request.sampling, request.ids, request.bias)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = TextTail(request.stops, request.trailing)
        self._pieces: list[str] = []
        self._decoded = self._shown = self._told = 0
        self._cancelled = False

    @property
    def completion_tokens(self) -> int:
        """Tokens written so far."""
        return len(self.ids)

    @property
    def unwanted(self) -> bool:
        """Whether whoever asked does not want more."""
        return self._cancelled or self.request.stopped()

    def cancel(self) -> None:
        """No more is wanted; from any thread."""
        self._cancelled = True

    @property
    def milliseconds(self) -> float:
        """Since it left the line: waiting for others is not counted."""
        return (time.perf_counter() - self._admitted) * 1000

    def admit(self, reused_tokens: int) -> None:
        """Its computing begins; so many tokens of the prompt are known already."""
        self._admitted = time.perf_counter()
        self.reused_tokens = reused_tokens

    def pause(self, seconds: float) -> None:
        """So long nothing was computed, since whoever asks was busy: that is no time of this answer."""
        self._admitted += seconds

    def take(self) -> str:
        """The text that came since the last call."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def take_scores(self) -> list[TokenScore]:
        """The figures of tokens whose text was shown since the last call; what a stop string cut has none."""
        whole = self.finish_reason is not None and not self._tail.stopped
        told = self._told
        while self._told < len(self.scores) and (whole or self.scores[self._told].start < self._shown):
            self._told += 1
        return self.scores[told : self._told]

    def write(self, row: Row) -> None:
        """Add the token that the scores give; `finish_reason` is set when it was the last."""
        try:
            token = self._pick(row)
        except TemperError as error:
            self.fail(error)
            return
        if not self.first_token_ms:
            self.first_token_ms = (time.perf_counter() - self._admitted) * 1000
        if token in self.model.stop_ids:
            self.finish("stop")
            return
        self.ids.append(token)
        constraint = self.request.constraint
        piece = self.model.piece(token) or (constraint.spelling(token) if constraint is not None else b"")
        text = self._decoder.decode(piece)
        self._decoded += len(text)
        self._show(self._tail.feed(text))
        if self._tail.stopped:
            self._end("stop")
        elif constraint is not None and constraint.is_finished():
            self.finish("stop")
        elif len(self.ids) >= self.limit:
            self.overflow = self.limit < self.request.sampling.max_tokens
            self.finish("length")

    def finish(self, reason: FinishReason) -> None:
        """The answer ends here; what was held back is shown."""
        if self.finish_reason is None:
            self._show(self._tail.feed(self._decoder.decode(b"", final=True)) + self._tail.finish())
            self._end(reason)

    def fail(self, error: TemperError) -> None:
        """The answer cannot go on."""
        self.failure = error
        self._end("error")

    def _pick(self, row: Row) -> int:
        """The next token: sampled first, and masked only where that one is not allowed."""
        request = self.request
        raw = row.copy() if request.logprobs is not None else row
        self._sampler.prepare(row)
        token = self._sampler.pick(row)
        constraint = request.constraint
        if constraint is not None and not constraint.allows(token):
            mask = constraint.mask()
            if not mask.any():
                raise _dead_end()
            row[~mask] = -float("inf")
            token = self._sampler.pick(row)
        ends = token in self.model.stop_ids
        if constraint is not None and not ends:
            constraint.advance(token)
        if request.logprobs is not None and not ends:
            self.scores.append(token_score(raw, token, request.logprobs, self._decoded))
        self._sampler.accept(token)
        return token

    def _show(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._shown += len(text)

    def _end(self, reason: FinishReason) -> None:
        self.finish_reason = reason
        self._sampler.close()


def check_bias(bias: Mapping[int, float], model: Model) -> None:
    """Raise UsageError for a bias on tokens that the vocabulary does not have."""
    strange = [token for token in bias if not 0 <= token < model.vocabulary_size]
    if strange:
        raise UsageError(
            "There is no such token",
            f"logit_bias names {strange[0]}; the model's tokens are 0 to {model.vocabulary_size - 1}.",
            "Ask with the ids of this model's own vocabulary.",
        )


def _dead_end() -> TemperError:
    return TemperError(
        "The answer could not go on under its schema",
        "The schema allows no token of the model's vocabulary here.",
        "Ask again, or make the schema wider.",
    )
