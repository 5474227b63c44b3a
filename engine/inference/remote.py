"""A model behind an OpenAI-compatible API in a variant's place: for comparison, as a teacher, as a judge.

The same prompt, passages, shots and output shape as on this machine; a complete answer and its calls are
judged here, whatever the other side promises. Does not know whether it may be asked: engine.models.variants
has made sure of that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from engine.inference.answers import Answer, Ask, refused
from engine.inference.generate import never
from engine.inference.passages import passages_for
from engine.inference.remote_api import LOCKED_OUT, Completion, Refused, RemoteApi, Said, Unreachable
from engine.inference.remote_shape import SHAPES, TAKES_LESS, described, response_format, unfenced
from engine.inference.structured.call_form import DEFAULT
from engine.inference.structured.structure import Structure, broken, judged, structure_of
from engine.inference.structured.tools import ToolSet
from engine.models.chat import with_shots, with_system
from engine.models.turns import FORMS, as_dicts
from engine.retrieval.prompt import cite, with_context
from store.errors import TemperError, UsageError
from store.records.data import ToolCall
from store.records.knowledge import Hit
from store.records.serving import ChatDelta
from store.records.traces import Timings
from store.records.workspace import ResolvedVariant, Sampling

if TYPE_CHECKING:
    from engine.inference.passages import Searcher
    from store.records.data import Message

PARALLEL = 4
"""Conversations that are asked at once."""
WAITING = 2
"""Conversations prepared ahead, for each that is asked at once: their passages are found here."""
MOST_FAILED = 8
"""Failures one behind the other, with no answer between, that end it all."""
FORM = next(form for form in FORMS if form.arguments_as_text and not form.short_ids)
"""The turns of a request: a call's arguments are JSON as text there."""
NEWER_CAP = "max_completion_tokens"
UNCOUNTED = "The API did not say how many tokens it read and wrote."
FILTERED = "The API ended the answer by a filter of its own."


class RemoteComposition:
    """Answers like engine.inference.chat.Composition, by asking an API. Close it.

    Raises MissingError when the variable that should hold the key is not set, UsageError for an output that
    cannot be enforced.
    """

    def __init__(
        self,
        variant: ResolvedVariant,
        searcher: Searcher | None = None,
        api: RemoteApi | None = None,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        assert variant.remote is not None
        self._parallel = parallel
        self.variant, self.searcher, self.remote = variant, searcher, variant.remote
        self._structure = structure_of(variant.output) if variant.output else None
        self._api = api or RemoteApi(self.remote)
        self._shape = 0  # of SHAPES: how far down the API made us go
        self._cap = "max_tokens"  # newer models of OpenAI's want another word

    def answer(
        self, messages: Sequence[Message], retrieval: bool = True, sampling: Sampling | None = None
    ) -> Answer:
        """The next assistant message. Raises UsageError or TemperError when the API gives none."""
        ask = Ask(messages, retrieval, sampling)
        return self._answer(ask, *self._found(ask))

    def answer_many(
        self, conversations: Iterable[Ask | Sequence[Message]], retrieval: bool = True
    ) -> Iterator[tuple[int, Answer]]:
        """Every conversation's answer with its place among them, as they come: a few are asked at once.

        A failed one has an `error`, and the others go on; but where the API answers nobody, or the last
        MOST_FAILED all failed, that is no fault of a conversation: raises what is wrong then. Closing the
        iterator asks for no more.
        """
        failed = 0
        coming = enumerate(conversations)
        places: dict[Future[Answer | TemperError], int] = {}
        with ThreadPoolExecutor(self._parallel) as pool:
            try:
                while True:
                    for index, one in coming:
                        ask = one if isinstance(one, Ask) else Ask(one, retrieval)
                        places[pool.submit(self._answered, ask, *self._found(ask))] = index
                        if len(places) >= WAITING * self._parallel:
                            break
                    if not places:
                        return
                    for future in wait(places, return_when=FIRST_COMPLETED).done:
                        found = future.result()
                        failed = failed + 1 if isinstance(found, TemperError) else 0
                        if isinstance(found, TemperError):
                            if failed >= MOST_FAILED or _answers_nobody(found):
                                raise found
                            found = refused(found)
                        yield places.pop(future), found
            finally:
                for future in places:
                    future.cancel()

    def respond(
        self, ask: Ask, searcher: Searcher | None = None, stopped: Callable[[], bool] = never
    ) -> Iterator[ChatDelta]:
        """The answer in one piece, then its end."""
        found = self._answer(ask, *self._found(ask, searcher))
        if found.text:
            yield ChatDelta(found.text)
        yield ChatDelta(
            finish_reason=found.finish_reason,
            answer=found.text,
            citations=found.citations,
            hits=found.hits,
            notices=found.notices,
            timings=found.timings,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
            invalid=found.invalid,
            tool_calls=found.tool_calls,
        )

    def close(self) -> None:
        """Let go of the connections and the searcher."""
        self._api.close()
        if self.searcher is not None:
            self.searcher.close()

    def read(self, ask: Ask, hits: Sequence[Hit]) -> str:
        """What the API is told of a conversation and its passages: the messages as JSON."""
        told = with_system(ask.messages, self.variant.system if ask.system is None else ask.system)
        return json.dumps(self._messages(told, hits), ensure_ascii=False)

    def _found(self, ask: Ask, searcher: Searcher | None = None) -> tuple[list[Hit], float]:
        return passages_for(ask, searcher or self.searcher, self.variant.top_k)

    def _answered(self, ask: Ask, hits: list[Hit], retrieval_ms: float) -> Answer | TemperError:
        try:
            return self._answer(ask, hits, retrieval_ms)
        except TemperError as error:
            return error

    def _answer(self, ask: Ask, hits: list[Hit], retrieval_ms: float) -> Answer:
        begin = time.perf_counter()
        structure = None if ask.tools and ask.tool_choice != "none" else ask.structure or self._structure
        _check(ask)
        tools = _tools_of(ask)  # refused before anything is sent
        reply, shape = self._complete(ask, hits, structure)
        choice, usage = reply.choices[0], reply.usage
        complete = choice.finish_reason != "length"
        text = _text_of(choice.message)
        calls = _calls_of(choice.message)
        notices = [] if usage else [UNCOUNTED]
        notices += [FILTERED] if choice.finish_reason == "content_filter" else []
        notices += self._shape_notices(structure, shape)
        invalid = ""
        if structure is not None:
            text = unfenced(text) if shape else text
            invalid = judged(structure, text, complete)
        elif tools is not None and (calls or tools.must) and complete:
            if problem := tools.problem_of(calls):
                raise broken(problem, json.dumps([[call.name, call.arguments] for call in calls]))
        elif tools is not None and calls:
            calls, invalid = [], "The answer was cut before its calls were complete."
        shown, citations = cite(text, hits)
        total_ms = round(retrieval_ms + (time.perf_counter() - begin) * 1000, 3)
        return Answer(
            text if structure is not None else shown,
            "stop" if complete else "length",
            usage.prompt_tokens if usage else 0,
            usage.completion_tokens if usage else 0,
            citations,
            hits,
            [invalid, *notices] if invalid else notices,
            Timings(retrieval_ms, total_ms, total_ms),
            invalid=invalid,
            tool_calls=calls,
        )

    def _complete(self, ask: Ask, hits: Sequence[Hit], structure: Structure | None) -> tuple[Completion, int]:
        """The API's answer, and which of SHAPES it was asked for in: a lower one where it refused one."""
        while True:
            shape = self._shape
            body = self._body(ask, hits, structure, shape)
            try:
                return self._api.complete(body), shape
            except Refused as refusal:
                if NEWER_CAP in refusal.happened and NEWER_CAP not in body:
                    self._cap = NEWER_CAP
                    continue
                if refusal.status not in TAKES_LESS or "response_format" not in body:
                    raise
                self._shape = max(self._shape, shape + 1)

    def _shape_notices(self, structure: Structure | None, shape: int) -> list[str]:
        if structure is None or structure.output is None or not shape:
            return []
        return [f"The API refused {SHAPES[shape - 1]}: the shape was asked for in words, and judged here."]

    def _body(self, ask: Ask, hits: Sequence[Hit], structure: Structure | None, shape: int) -> dict[str, Any]:
        sampling = ask.sampling or self.variant.sampling
        system = self.variant.system if ask.system is None else ask.system
        output = structure.output if structure is not None else None
        asked = response_format(output, shape) if output else {}
        told = with_system(ask.messages, system)
        if output is not None and (words := described(output, shape)):
            told = _with_words(told, words)
        body: dict[str, Any] = {
            "model": self.remote.model,
            "messages": self._messages(told, hits),
            self._cap: sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            **_beyond_openai(sampling),
            **asked,
        }
        if ask.stops:
            body["stop"] = list(ask.stops)
        if ask.tools:
            choice: Any = ask.tool_choice
            if choice not in ("auto", "none", "required"):
                choice = {"type": "function", "function": {"name": choice}}
            body |= {"tools": list(ask.tools), "tool_choice": choice}
            if not ask.parallel_tool_calls:
                body["parallel_tool_calls"] = False
        return body

    def _messages(self, told: Sequence[Message], hits: Sequence[Hit]) -> list[dict[str, Any]]:
        """The conversation behind the variant's shots, with its passages, as a request has it."""
        return as_dicts(with_context(with_shots(told, self.variant.shots), hits), FORM)


def _answers_nobody(error: TemperError) -> bool:
    """Whether any other question would have failed too."""
    locked = isinstance(error, Refused) and error.status in LOCKED_OUT
    return locked or isinstance(error, Unreachable)


def _check(ask: Ask) -> None:
    """Raise UsageError for what only a model on this machine can do: nothing is left out in silence."""
    wanted = {
        "log-probabilities": ask.logprobs is not None,
        "a bias of tokens": bool(ask.bias),
        "adapters": bool(ask.adapters),
        "the likelihood of choices": bool(ask.choices),
        "a grammar": ask.constraint is not None and ask.structure is None,
    }
    for what, asked in wanted.items():
        if asked:
            raise UsageError(
                "A model behind an API cannot do that",
                f"The question asks for {what}, which is done in this machine's own models only.",
                "Leave it out, or ask a model on this machine.",
            )


def _tools_of(ask: Ask) -> ToolSet | None:
    """What judges the calls of an answer; None where none may be made. Raises UsageError."""
    if not ask.tools or ask.tool_choice == "none":
        return None
    return ToolSet(ask.tools, ask.tool_choice, DEFAULT, ask.parallel_tool_calls)


def _text_of(message: Said) -> str:
    """What was said; an API that refuses to answer by a schema says why elsewhere."""
    return message.content or message.refusal or ""


def _calls_of(message: Said) -> list[ToolCall]:
    calls = []
    for at, one in enumerate(message.tool_calls or ()):
        arguments = one.function.arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
        calls.append(ToolCall(one.function.name, text, one.id or f"call_{at}"))
    return calls


def _with_words(messages: Sequence[Message], words: str) -> list[Message]:
    """The conversation with `words` behind its system message."""
    own = messages[0].content if messages and messages[0].role == "system" else ""
    rest = messages[1:] if own else messages
    return with_system(rest, "\n\n".join(filter(None, [own, words])))


def _beyond_openai(sampling: Sampling) -> dict[str, Any]:
    """Settings that are not asked for unless they say something: some APIs refuse what they do not know."""
    neutral = Sampling()
    names = ("top_k", "min_p", "repetition_penalty", "frequency_penalty", "presence_penalty")
    return {name: value for name in names if (value := getattr(sampling, name)) != getattr(neutral, name)}
