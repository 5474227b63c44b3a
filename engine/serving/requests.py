"""OpenAI's chat request, read strictly: what is supported is honoured, everything else is refused by name.

A parameter that is silently ignored would be a lie about the answer. Pure: bytes in, a struct out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from store.errors import UsageError
from store.records.data import Message, Role
from store.records.workspace import Sampling


class Extras(msgspec.Struct, forbid_unknown_fields=True):
    """`temper` of a request: `kb` is another knowledge base, `prompt` the text of another system prompt."""

    retrieval: bool = True
    kb: str | None = None
    prompt: str | None = None


class ChatRequest(msgspec.Struct):
    """What was asked. `model` is a variant reference, empty for the default. None: what the variant says."""

    messages: list[Message]
    model: str = ""
    stream: bool = False
    include_usage: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] = []
    extras: Extras = msgspec.field(default_factory=Extras)

    def sampling(self, default: Sampling) -> Sampling:
        """The variant's sampling with what the request says instead."""
        asked = {
            name: getattr(self, name) for name in ("temperature", "top_p", "top_k", "max_tokens", "seed")
        }
        return msgspec.structs.replace(
            default, **{name: value for name, value in asked.items() if value is not None}
        )


class BadRequest(UsageError):
    """A request that is not taken; `param` is the field to blame."""

    def __init__(self, param: str, happened: str, remedy: str = "Leave it out.") -> None:
        super().__init__("The request was not taken", happened, remedy)
        self.param = param


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: Any = None
    name: str | None = None
    tool_call_id: str | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False
    include_obfuscation: bool = False


class _Body(msgspec.Struct):
    messages: list[_Message]
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    user: str | None = None
    temper: Extras | None = None


_KNOWN = {field.name for field in msgspec.structs.fields(_Body)}
# Not supported, but asking for what happens anyway is no harm: clients send these by default.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (None, 1),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "tools": (None, []),
    "tool_choice": (None, "none", "auto"),
    "parallel_tool_calls": (None, True, False),
    "functions": (None, []),
    "response_format": (None, {"type": "text"}),
    "store": (None, False),
    "metadata": (None, {}),
    "best_of": (None, 1),
    "echo": (None, False),
}


def parse_request(data: bytes) -> ChatRequest:
    """The request in `data`. Raises BadRequest with the field that is wrong or not supported."""
    try:
        raw = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise BadRequest("", f"The body is not JSON: {error}.", "Send a JSON object.") from error
    if not isinstance(raw, dict):
        raise BadRequest("", "The body is not an object.", "Send a JSON object.")
    for name, value in raw.items():
        if name not in _KNOWN and value not in _NEUTRAL.get(name, ()):
            raise BadRequest(name, f"{name!r} is not supported here, and is not ignored in silence.")
    try:
        body = msgspec.convert(raw, _Body)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$")[2].strip("`.")
        raise BadRequest(field, f"{error}.", "Mend that field.") from error
    request = ChatRequest(
        messages=[_message(number, message) for number, message in enumerate(body.messages)],
        model=body.model,
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        max_tokens=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        seed=body.seed,
        stop=[body.stop] if isinstance(body.stop, str) else body.stop or [],
        extras=body.temper or Extras(),
    )
    _check_ranges(request)
    return request


def _message(number: int, message: _Message) -> Message:
    where = f"messages[{number}]"
    if message.tool_calls:
        raise BadRequest(f"{where}.tool_calls", "Tool calls are not supported here.")
    content = message.content
    if content is None:
        raise BadRequest(f"{where}.content", f"{where} has no content.", "Give every message a text.")
    if isinstance(content, list):
        strange = [part.type for part in content if part.type != "text"]
        if strange:
            raise BadRequest(
                f"{where}.content", f"{where} has a part of type {strange[0]!r}.", "Send text only."
            )
        content = "".join(part.text for part in content)
    role: Role = "system" if message.role == "developer" else message.role
    return Message(role, content)


def _check_ranges(request: ChatRequest) -> None:
    if not request.messages:
        raise BadRequest("messages", "There are no messages.", "Send at least a user message.")
    limits: list[tuple[str, float | None, float, float]] = [
        ("temperature", request.temperature, 0, 100),
        ("top_p", request.top_p, 1e-6, 1),
        ("top_k", request.top_k, 0, 2**31 - 1),
        ("max_tokens", request.max_tokens, 1, 2**31 - 1),
        ("seed", request.seed, -(2**63), 2**63 - 1),
    ]
    for name, value, low, high in limits:
        if value is not None and not low <= value <= high:
            raise BadRequest(
                name, f"{name} is {value}, it must be from {low:g} to {high:g}.", "Mend that number."
            )
    if len(request.stop) > 16:
        raise BadRequest("stop", f"There are {len(request.stop)} stop strings.", "Send at most 16.")
