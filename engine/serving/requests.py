"""OpenAI's chat request, read strictly: what is supported is honoured, everything else is refused by name.

A parameter that is silently ignored would be a lie about the answer. Pure: bytes in, a struct out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from store.errors import UsageError
from store.records.data import Message, Role, ToolCall
from store.records.output import OutputFormat
from store.records.workspace import Sampling


class Extras(msgspec.Struct, forbid_unknown_fields=True):
    """`temper` of a request: `kb` is another knowledge base, `prompt` the text of another system prompt.

    `output` is the shape of the answer, for what `response_format` has no words: a pattern, choices.
    """

    retrieval: bool = True
    kb: str | None = None
    prompt: str | None = None
    output: OutputFormat | None = None


class ChatRequest(msgspec.Struct):
    """What was asked. `model` is a variant reference, empty for the default. None: what the variant says.

    `tool_choice` is auto, none, required or the name of a tool.
    """

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
    output: OutputFormat | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
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
    tool_calls: list[_Call] | None = None
    name: str | None = None
    tool_call_id: str | None = None


class _Call(msgspec.Struct):
    function: _CalledFunction
    id: str = ""


class _CalledFunction(msgspec.Struct):
    name: str
    arguments: str = "{}"


class _JsonSchema(msgspec.Struct):
    name: str = ""
    schema: Any = None
    strict: bool | None = None
    description: str | None = None


class _ResponseFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _NamedTool(msgspec.Struct):
    function: _CalledFunction
    type: Literal["function"] = "function"


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
    response_format: _ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["none", "auto", "required"] | _NamedTool | None = None
    parallel_tool_calls: bool | None = None
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
    "functions": (None, []),
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
        output=_output(body),
        tools=body.tools or [],
        tool_choice=_choice(body),
        parallel_tool_calls=body.parallel_tool_calls is not False,
        extras=body.temper or Extras(),
    )
    _check_ranges(request)
    return request


def _message(number: int, message: _Message) -> Message:
    where = f"messages[{number}]"
    content = message.content
    calls = [ToolCall(one.function.name, one.function.arguments, one.id) for one in message.tool_calls or ()]
    if calls and message.role != "assistant":
        raise BadRequest(f"{where}.tool_calls", f"{where} is of {message.role!r}: only the assistant calls.")
    if content is None and calls:
        content = ""
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
    return Message(role, content, calls, message.tool_call_id or "", message.name or "")


def _output(body: _Body) -> OutputFormat | None:
    """The shape that is asked for: OpenAI's `response_format`, or Temper's own `output`."""
    asked, own = body.response_format, body.temper.output if body.temper else None
    if asked is None or asked.type == "text":
        return own
    if own is not None:
        raise BadRequest("temper.output", "There is a response_format too.", "Leave one of them out.")
    if asked.type == "json_object":
        return OutputFormat("json_object")
    if asked.json_schema is None or asked.json_schema.schema is None:
        raise BadRequest(
            "response_format", "A json_schema needs a schema.", 'Write {"json_schema": {"schema": {...}}}.'
        )
    return OutputFormat("json_schema", schema=asked.json_schema.schema, name=asked.json_schema.name)


def _choice(body: _Body) -> str:
    """`tool_choice` as a word."""
    choice = body.tool_choice
    if (choice in ("required",) and not body.tools) or (isinstance(choice, _NamedTool) and not body.tools):
        raise BadRequest("tool_choice", "There are no tools to call.", "Send `tools` too.")
    if body.tools and _output(body) is not None:
        raise BadRequest("tools", "An answer cannot be calls and a response_format at once.")
    if isinstance(choice, _NamedTool):
        return choice.function.name
    return choice or "auto"


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
