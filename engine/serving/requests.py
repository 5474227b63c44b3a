"""What OpenAI's chat request asks for, in Temper's words. Pure: bytes in, a struct out.

`engine.serving.body` has the fields as they come; here they get their meaning and their limits.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.serving.body import BadRequest as BadRequest  # whoever reads requests finds it here
from engine.serving.body import Body, BodyMessage, Extras, NamedTool, body_of
from store.records.data import Message, Role, ToolCall
from store.records.output import OutputFormat
from store.records.workspace import Sampling

MOST_STOPS = 16
_SAMPLED = [field.name for field in msgspec.structs.fields(Sampling)]


class ChatRequest(msgspec.Struct):
    """What was asked. `model` is a variant reference, empty for the default. None: what the variant says.

    `logprobs`: how many of the likeliest tokens are told beside each of the answer's, None for no figures.
    `tool_choice` is auto, none, required or the name of a tool.
    """

    messages: list[Message]
    model: str = ""
    stream: bool = False
    include_usage: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    bias: dict[int, float] = {}
    logprobs: int | None = None
    stop: list[str] = []
    output: OutputFormat | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    extras: Extras = msgspec.field(default_factory=Extras)

    def sampling(self, default: Sampling) -> Sampling:
        """The variant's sampling with what the request says instead."""
        asked = {name: getattr(self, name) for name in _SAMPLED}
        return msgspec.structs.replace(
            default, **{name: value for name, value in asked.items() if value is not None}
        )


def parse_request(data: bytes) -> ChatRequest:
    """The request in `data`. Raises BadRequest with the field that is wrong or not supported."""
    body = body_of(data)
    request = ChatRequest(
        messages=[_message(number, message) for number, message in enumerate(body.messages)],
        model=body.model,
        stream=body.stream,
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        min_p=body.min_p,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        repetition_penalty=_one_of(body, "repetition_penalty", "repeat_penalty"),
        max_tokens=_one_of(body, "max_completion_tokens", "max_tokens"),
        seed=body.seed,
        bias=body.logit_bias,
        logprobs=_logprobs(body),
        stop=[body.stop] if isinstance(body.stop, str) else body.stop,
        output=_output(body),
        tools=body.tools,
        tool_choice=_choice(body),
        parallel_tool_calls=body.parallel_tool_calls,
        extras=body.temper or Extras(),
    )
    _check_ranges(request)
    return request


def _one_of(body: Body, name: str, other: str) -> Any:
    """A field that has two names. Raises BadRequest where they do not agree."""
    first, second = getattr(body, name), getattr(body, other)
    if first is not None and second is not None and first != second:
        raise BadRequest(other, f"{name} is {first} and {other} is {second}.", "Send one of them.")
    return second if first is None else first


def _logprobs(body: Body) -> int | None:
    if body.logprobs:
        return body.top_logprobs or 0
    if body.top_logprobs:
        raise BadRequest("top_logprobs", "top_logprobs needs logprobs: true.", "Send both, or neither.")
    return None


def _message(number: int, message: BodyMessage) -> Message:
    where = f"messages[{number}]"
    content = message.content
    calls = [ToolCall(one.function.name, one.function.arguments, one.id) for one in message.tool_calls or ()]
    if calls and message.role != "assistant":
        raise BadRequest(f"{where}.tool_calls", f"{where} is of {message.role!r}: only the assistant calls.")
    if message.function_call is not None:
        raise BadRequest(f"{where}.function_call", f"{where} has the old form of a call.", "Use tool_calls.")
    if content is None and calls:
        content = ""
    if content is None:
        raise BadRequest(f"{where}.content", f"{where} has no content.", "Give every message a text.")
    if isinstance(content, list):
        strange = [part.type for part in content if part.type not in ("text", "refusal")]
        if strange:
            raise BadRequest(
                f"{where}.content", f"{where} has a part of type {strange[0]!r}.", "Send text only."
            )
        content = "".join(part.text or part.refusal for part in content)
    role: Role = "system" if message.role == "developer" else message.role
    return Message(role, content, calls, message.tool_call_id or "", message.name or "")


def _output(body: Body) -> OutputFormat | None:
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


def _choice(body: Body) -> str:
    """`tool_choice` as a word."""
    choice = body.tool_choice
    if not body.tools and (choice == "required" or isinstance(choice, NamedTool)):
        raise BadRequest("tool_choice", "There are no tools to call.", "Send `tools` too.")
    if body.tools and _output(body) is not None:
        raise BadRequest("tools", "An answer cannot be calls and a response_format at once.")
    if isinstance(choice, NamedTool):
        return choice.function.name
    return choice or "auto"


def _check_ranges(request: ChatRequest) -> None:
    if not request.messages:
        raise BadRequest("messages", "There are no messages.", "Send at least a user message.")
    limits: list[tuple[str, float | None, float, float]] = [
        ("temperature", request.temperature, 0, 100),
        ("top_p", request.top_p, 1e-6, 1),
        ("top_k", request.top_k, 0, 2**31 - 1),
        ("min_p", request.min_p, 0, 0.999999),
        ("presence_penalty", request.presence_penalty, -2, 2),
        ("frequency_penalty", request.frequency_penalty, -2, 2),
        ("repetition_penalty", request.repetition_penalty, 0.01, 100),
        ("top_logprobs", request.logprobs, 0, 20),
        ("max_tokens", request.max_tokens, 1, 2**31 - 1),
        ("seed", request.seed, -(2**63), 2**63 - 1),
        *(("logit_bias", value, -100, 100) for value in request.bias.values()),
    ]
    for name, value, low, high in limits:
        if value is not None and not low <= value <= high:
            raise BadRequest(
                name, f"{name} is {value}, it must be from {low:g} to {high:g}.", "Mend that number."
            )
    if len(request.stop) > MOST_STOPS:
        raise BadRequest(
            "stop", f"There are {len(request.stop)} stop strings.", f"Send at most {MOST_STOPS}."
        )
