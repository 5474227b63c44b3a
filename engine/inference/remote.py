"""A model behind an OpenAI-compatible API in a variant's place: for comparison, as a teacher, as a judge.

The same prompt, passages, shots and output shape as on this machine; a complete answer is judged here by its
structure, whatever the other side promises. The key comes from the environment and is written nowhere. Does
not know whether it may be asked: engine.models.variants has made sure of that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import msgspec

from engine import offline
from engine.inference.answers import Answer, Ask, refused
from engine.inference.generate import never
from engine.inference.structured.structure import judged, structure_of
from engine.models.chat import last_user, with_shots, with_system
from engine.models.turns import FORMS, as_dicts
from engine.retrieval.prompt import cite, with_context
from store.errors import MissingError, TemperError, UsageError
from store.records.data import Message, ToolCall
from store.records.knowledge import Hit
from store.records.output import OutputFormat
from store.records.serving import ChatDelta
from store.records.traces import Timings
from store.records.workspace import RemoteModel, ResolvedVariant, Sampling

if TYPE_CHECKING:
    from engine.inference.chat import Searcher

PARALLEL = 4
"""Conversations that are asked at once."""
FORM = next(form for form in FORMS if form.arguments_as_text and not form.short_ids)
"""The turns of a request: a call's arguments are JSON as text there."""
SECONDS = 300.0
"""How long one answer may take."""
TRIES, WAIT_SECONDS = 3, 1.0
"""For an API that is busy; each wait is twice the last."""


class _Function(msgspec.Struct):
    name: str
    arguments: str = "{}"


class _Call(msgspec.Struct):
    function: _Function
    id: str = ""


class _Said(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class RemoteComposition:
    """Answers like engine.inference.chat.Composition, by asking an API. Close it.

    Raises MissingError when the variable that should hold the key is not set, UsageError for an output that
    cannot be enforced.
    """

    def __init__(self, variant: ResolvedVariant, searcher: Searcher | None = None) -> None:
        assert variant.remote is not None
        self.variant, self.searcher, self.remote = variant, searcher, variant.remote
        self._structure = structure_of(variant.output) if variant.output else None
        headers = {"Authorization": f"Bearer {key_of(self.remote)}"} if self.remote.key else {}
        offline.allow(urlsplit(self.remote.url).hostname or "")
        self._http = httpx.Client(headers=headers, timeout=SECONDS, trust_env=False)

    def answer(
        self, messages: Sequence[Message], retrieval: bool = True, sampling: Sampling | None = None
    ) -> Answer:
        """The next assistant message. Raises UsageError or TemperError when the API gives none."""
        return self._answer(Ask(messages, retrieval, sampling), self._hits(messages, retrieval, None))

    def answer_many(
        self, conversations: Iterable[Ask | Sequence[Message]], retrieval: bool = True
    ) -> Iterator[tuple[int, Answer]]:
        """Every conversation's answer with its place among them, a few asked at once.

        A failed one has an `error`. Passages are searched here, one conversation after the other.
        """
        asks = [one if isinstance(one, Ask) else Ask(one, retrieval) for one in conversations]

        def answered(ask: Ask, hits: list[Hit]) -> Answer:
            try:
                return self._answer(ask, hits)
            except TemperError as error:
                return refused(error)

        with ThreadPoolExecutor(PARALLEL) as pool:
            waiting = [
                pool.submit(answered, ask, self._hits(ask.messages, ask.retrieval, None)) for ask in asks
            ]
            try:
                for index, future in enumerate(waiting):
                    yield index, future.result()
            finally:
                for future in waiting:
                    future.cancel()

    def respond(
        self, ask: Ask, searcher: Searcher | None = None, stopped: Callable[[], bool] = never
    ) -> Iterator[ChatDelta]:
        """The answer in one piece, then its end."""
        found = self._answer(ask, self._hits(ask.messages, ask.retrieval, searcher))
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
        self._http.close()
        if self.searcher is not None:
            self.searcher.close()

    def _hits(self, messages: Sequence[Message], retrieval: bool, searcher: Searcher | None) -> list[Hit]:
        searcher = (searcher or self.searcher) if retrieval else None
        return searcher.search(last_user(messages), self.variant.top_k).hits if searcher else []

    def _answer(self, ask: Ask, hits: list[Hit]) -> Answer:
        begin = time.perf_counter()
        structure = ask.structure or self._structure
        reply = self._post(self._body(ask, hits))
        choice, usage = reply.choices[0], reply.usage or _Usage()
        text = choice.message.content or ""
        calls = [
            ToolCall(one.function.name, one.function.arguments, one.id)
            for one in choice.message.tool_calls or ()
        ]
        complete = choice.finish_reason != "length"
        shown, citations = cite(text, hits)
        invalid = judged(structure, text, complete) if structure is not None and not calls else ""
        milliseconds = round((time.perf_counter() - begin) * 1000, 3)
        return Answer(
            text if structure is not None else shown,
            "stop" if complete else "length",
            usage.prompt_tokens,
            usage.completion_tokens,
            citations,
            hits,
            [invalid] if invalid else [],
            Timings(0.0, milliseconds, milliseconds),
            invalid=invalid,
            tool_calls=calls,
        )

    def _body(self, ask: Ask, hits: Sequence[Hit]) -> dict[str, Any]:
        variant, sampling = self.variant, ask.sampling or self.variant.sampling
        told = with_system(ask.messages, variant.system if ask.system is None else ask.system)
        messages = with_context(with_shots(told, variant.shots), hits)
        body: dict[str, Any] = {
            "model": self.remote.model,
            "messages": as_dicts(messages, FORM),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        if ask.stops:
            body["stop"] = list(ask.stops)
        if ask.tools:
            choice: Any = ask.tool_choice
            if choice not in ("auto", "none", "required"):
                choice = {"type": "function", "function": {"name": choice}}
            body |= {"tools": list(ask.tools), "tool_choice": choice}
        elif variant.output is not None and ask.structure is None:
            body |= response_format(variant.output)
        return body

    def _post(self, body: dict[str, Any]) -> _Reply:
        """What the API answers. Raises UsageError or TemperError."""
        for tried in range(1, TRIES + 1):
            try:
                response = self._http.post(f"{self.remote.url}/chat/completions", json=body)
            except httpx.HTTPError as error:
                raise self._failed(f"{type(error).__name__}: {error}") from error
            if response.status_code not in (429, 500, 502, 503) or tried == TRIES:
                break
            time.sleep(WAIT_SECONDS * 2 ** (tried - 1))
        if response.status_code != 200:
            raise self._failed(f"Status {response.status_code}: {response.text[:300]}", response.status_code)
        try:
            reply = msgspec.json.decode(response.content, type=_Reply)
        except msgspec.MsgspecError as error:
            raise self._failed(f"It answered with something else than a completion: {error}") from error
        if not reply.choices:
            raise self._failed("It answered without a choice.")
        return reply

    def _failed(self, happened: str, status: int = 500) -> TemperError:
        where = f"{self.remote.model!r} at {self.remote.url}"
        if status in (401, 403):
            remedy = (
                f"Set {self.remote.key} to a valid key." if self.remote.key else "Name its key's variable."
            )
            return UsageError("The API refused the key", f"{where}: {happened}", remedy)
        kind = UsageError if 400 <= status < 500 and status != 429 else TemperError
        return kind("The model did not answer", f"{where}: {happened}", "See whether it runs, and ask again.")


def key_of(remote: RemoteModel) -> str:
    """The key, from the environment. Raises MissingError when the variable is not set."""
    key = os.environ.get(remote.key, "")
    if not key:
        raise MissingError(
            "The key is not there",
            f"The environment variable {remote.key!r} is empty or not set.",
            f"Set it to the key of {remote.url}; it is read from there only and written nowhere.",
        )
    return key


def response_format(output: OutputFormat) -> dict[str, Any]:
    """The part of a request that asks for JSON; nothing for shapes that the API has no words for."""
    if output.kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    if output.kind == "json_schema":
        named = {"name": output.name or "answer", "schema": output.schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {}
