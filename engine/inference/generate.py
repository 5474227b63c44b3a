"""One answer, token by token: greedy or sampled, text in whole characters, ended for a stated reason.

Knows nothing of chats: prompts come as token ids, stop strings as text. The loop adds little to llama.cpp's
own time: text is decoded as it comes, and only its tail is searched for stop strings.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Literal

import llama_cpp

from engine.inference.llama import Context
from store.records.workspace import Sampling

FinishReason = Literal["stop", "length", "stopped"]


class TextTail:
    """Text as it may be shown: cut at the first stop string, and held back while it could become one.

    `trailing` is text that belongs to the template: dropped where an answer ends with it.
    """

    def __init__(self, stops: Sequence[str] = (), trailing: str = "") -> None:
        self._stops = [stop for stop in stops if stop]
        self._trailing = trailing
        self._watched = [*self._stops, *([trailing] if trailing else [])]
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What can be shown once `text` has come; `stopped` is set when a stop string is complete."""
        if not self._watched:
            return text
        self._held += text
        ends = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if ends:
            self.stopped = True
            shown, self._held = self._held[: min(ends)], ""
            return shown
        keep = max(_overlap(self._held, stop) for stop in self._watched)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def finish(self) -> str:
        """What was held back, less the template's own end."""
        held, self._held = self._held, ""
        return held.removesuffix(self._trailing) if self._trailing else held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with (all of `stop` included)."""
    longest = min(len(text), len(stop))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


class Sampler:
    """Picks the next token from a context's logits. Temperature 0 is greedy: the first of the highest scores.

    Otherwise top-k, then top-p, then temperature, then a draw by the seed, in llama.cpp's own chain: the same
    seed gives the same text. Use it in a `with` block.
    """

    def __init__(self, context: Context, sampling: Sampling) -> None:
        self._context = context
        self._chain: llama_cpp.llama_sampler_p | None = None
        if sampling.temperature <= 0:
            return
        parameters = llama_cpp.llama_sampler_chain_default_params()
        parameters.no_perf = True
        self._chain = llama_cpp.llama_sampler_chain_init(parameters)
        if sampling.top_k > 0:
            self._add(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            self._add(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
        self._add(llama_cpp.llama_sampler_init_temp(sampling.temperature))
        self._add(
            llama_cpp.llama_sampler_init_dist(sampling.seed % (2**32 - 1))
        )  # its last seed means "random"

    def _add(self, sampler: llama_cpp.llama_sampler_p) -> None:
        llama_cpp.llama_sampler_chain_add(self._chain, sampler)

    def pick(self) -> int:
        """The next token."""
        if self._chain is None:
            return int(self._context.logits.argmax())
        return int(llama_cpp.llama_sampler_sample(self._chain, self._context.handle, -1))

    def __enter__(self) -> Sampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chain is not None:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None


class Generation:
    """An answer being written: iterate over it for pieces of text; the fields say how it went.

    `finish_reason` is `stop` (the model ended it, or a stop string), `length` (max_tokens or the context is
    full) or `stopped` (whoever asked no longer wants it). The token that ends an answer is not counted.
    """

    def __init__(
        self,
        context: Context,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stops: Sequence[str] = (),
        trailing: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        context.check_fits(len(prompt))
        self.finish_reason: FinishReason = "stopped"
        self.ids: list[int] = []
        self.prompt_tokens = len(prompt)
        self.reused_tokens = 0
        self.first_token_ms = 0.0
        self._context = context
        self._prompt = prompt
        self._sampling = sampling
        self._limit = min(sampling.max_tokens, context.size - len(prompt))
        self._stopped = stopped
        self._tail = TextTail(stops, trailing)

    @property
    def completion_tokens(self) -> int:
        """Tokens written so far."""
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        begin = time.perf_counter()
        self.reused_tokens = self._context.read(self._prompt, self._stopped)
        if self._stopped():
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        tail, piece = self._tail, self._context.model.piece
        for token in self._tokens():
            if not self.first_token_ms:
                self.first_token_ms = (time.perf_counter() - begin) * 1000
            text = tail.feed(decoder.decode(piece(token)))
            if text:
                yield text
            if tail.stopped:
                self.finish_reason = "stop"
                return
        text = tail.feed(decoder.decode(b"", final=True)) + tail.finish()
        if text:
            yield text

    def _tokens(self) -> Iterator[int]:
        """Tokens until the answer ends, each handed out before the next is computed."""
        context, stop_ids, stopped = self._context, self._context.model.stop_ids, self._stopped
        with Sampler(context, self._sampling) as sampler:
            while True:
                token = sampler.pick()
                if token in stop_ids:
                    self.finish_reason = "stop"
                    return
                self.ids.append(token)
                yield token
                if len(self.ids) >= self._limit:
                    self.finish_reason = "length"
                    return
                if stopped():
                    return
                context.append(token)
