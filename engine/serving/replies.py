"""Answers as OpenAI's clients read them: one object, or server-sent events; Temper's own in `temper`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from store.records.data import Message
from store.records.serving import ChatDelta, TokenLogprob
from store.records.traces import Timings, Trace

_encode = msgspec.json.encode
DONE = b"data: [DONE]\n\n"


class Reply(msgspec.Struct):
    """What all chunks of one answer share. `created` is in seconds since 1970."""

    id: str
    created: int
    model: str

    def chunk(self, delta: ChatDelta, first: bool, include_usage: bool, logprobs: bool = False) -> bytes:
        """One server-sent event (two, where the client wants the usage as one of its own)."""
        content: dict[str, Any] = {"role": "assistant"} if first else {}
        if delta.text:
            content["content"] = delta.text
        if delta.tool_calls:
            calls = tool_calls(delta)
            content["tool_calls"] = [{"index": at} | call for at, call in enumerate(calls)]
        ended = delta.finish_reason is not None
        choice = {
            "index": 0,
            "delta": content,
            "logprobs": _logprobs([delta], logprobs),
            "finish_reason": _reason(delta) if ended else None,
        }
        body = self._head("chat.completion.chunk") | {"choices": [choice]}
        body |= {"usage": None} if include_usage else {}
        if ended:
            body["temper"] = extras(delta)
        events = _event(body)
        if ended and include_usage:
            events += _event(self._head("chat.completion.chunk") | {"choices": [], "usage": usage(delta)})
        return events

    def whole(self, deltas: Sequence[ChatDelta], logprobs: bool = False) -> dict[str, Any]:
        """The body of an answer that was not streamed."""
        last = deltas[-1]
        message: dict[str, Any] = {"role": "assistant", "content": last.answer, "refusal": None}
        if last.tool_calls:
            message |= {"content": last.answer or None, "tool_calls": tool_calls(last)}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": _logprobs(deltas, logprobs),
            "finish_reason": _reason(last),
        }
        return self._head("chat.completion") | {
            "choices": [choice],
            "usage": usage(last),
            "temper": extras(last),
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def error_event(body: dict[str, Any]) -> bytes:
    """An error that comes when the answer has already begun."""
    return _event(body)


def usage(delta: ChatDelta) -> dict[str, int]:
    """OpenAI's `usage`."""
    read, written = delta.prompt_tokens, delta.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def extras(delta: ChatDelta) -> dict[str, Any]:
    """The last delta without its text: `temper` of the last chunk, and of a whole answer."""
    parts: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(delta, text="", logprobs=[]))
    return parts


def trace_of(
    reply: Reply, time: str, messages: list[Message], deltas: Sequence[ChatDelta], error: str = ""
) -> Trace:
    """What is logged of a request; an answer that broke off is logged as far as it came."""
    last = deltas[-1] if deltas else ChatDelta()
    written = last.answer or "".join(delta.text for delta in deltas)
    return Trace(
        trace_id=reply.id,
        time=time,
        variant=reply.model,
        messages=messages,
        answer=written,
        finish_reason="error" if error else last.finish_reason or "stopped",
        prompt_tokens=last.prompt_tokens,
        completion_tokens=last.completion_tokens,
        hits=last.hits,
        citations=last.citations,
        timings=last.timings or Timings(),
        error=error,
    )


def tool_calls(delta: ChatDelta) -> list[dict[str, Any]]:
    """OpenAI's `tool_calls`."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in delta.tool_calls
    ]


def _logprobs(deltas: Sequence[ChatDelta], asked: bool) -> dict[str, Any] | None:
    """OpenAI's `logprobs` of a choice, null where none were asked for."""
    if not asked:
        return None
    told = []
    for one in (one for delta in deltas for one in delta.logprobs):
        top = [_token(other) for other in one.top]
        told.append(_token(one) | {"top_logprobs": top})
    return {"content": told, "refusal": None}


def _token(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes}


def _reason(delta: ChatDelta) -> str:
    """OpenAI knows no `stopped`."""
    if delta.tool_calls:
        return "tool_calls"
    return "length" if delta.finish_reason == "length" else "stop"


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + _encode(body) + b"\n\n"
