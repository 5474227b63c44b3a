"""OpenAI's chat request as it comes over the wire: what may stand in it, and what is refused by name.

A parameter that is silently ignored would be a lie about the answer. Says nothing of what the fields mean.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from store.errors import UsageError
from store.records.output import OutputFormat


class BadRequest(UsageError):
    """A request that is not taken; `param` is the field to blame."""

    def __init__(self, param: str, happened: str, remedy: str = "Leave it out.") -> None:
        super().__init__("The request was not taken", happened, remedy)
        self.param = param


class Extras(msgspec.Struct, forbid_unknown_fields=True):
    """`temper` of a request: `kb` is another knowledge base, `prompt` the text of another system prompt.

    `output` is the shape of the answer, for what `response_format` has no words: a pattern, choices.
    """

    retrieval: bool = True
    kb: str | None = None
    prompt: str | None = None
    output: OutputFormat | None = None


class Part(msgspec.Struct):
    """A part of a message's content."""

    type: str
    text: str = ""
    refusal: str = ""


class CalledFunction(msgspec.Struct):
    """A function's name, and the arguments it is called with as JSON text."""

    name: str
    arguments: str = "{}"


class Call(msgspec.Struct):
    """A call of a tool."""

    function: CalledFunction
    id: str = ""


class BodyMessage(msgspec.Struct):
    """A message. Others' additions, such as `annotations`, come back from clients and are not read."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[Call] | None = None
    function_call: Any = None
    name: str | None = None
    tool_call_id: str | None = None


class JsonSchema(msgspec.Struct):
    """The schema of a `response_format`."""

    name: str = ""
    schema: Any = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(msgspec.Struct):
    """The shape of the answer in OpenAI's words."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class NamedTool(msgspec.Struct):
    """The one tool to call."""

    function: CalledFunction
    type: Literal["function"] = "function"


class StreamOptions(msgspec.Struct):
    """What a stream tells besides; obfuscation is padding that nobody needs on one machine."""

    include_usage: bool = False
    include_obfuscation: bool = False


class Body(msgspec.Struct):
    """Every field that is honoured."""

    messages: list[BodyMessage]
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    repeat_penalty: float | None = None
    logit_bias: dict[int, float] = {}
    logprobs: bool = False
    top_logprobs: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    seed: int | None = None
    stop: str | list[str] = []
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool = True
    temper: Extras | None = None


_KNOWN = {field.name for field in msgspec.structs.fields(Body)}
_ASIDE = {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"}
"""Book-keeping of OpenAI's, none of which changes an answer."""
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
}
"""Not supported, but asking for what happens anyway is no harm: clients send these by default."""


def body_of(data: bytes) -> Body:
    """The fields in `data`; null is as good as absent. Raises BadRequest with the field that is wrong."""
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest("", f"The body is not JSON: {error}.", "Send a JSON object.") from error
    if not isinstance(raw, dict):
        raise BadRequest("", "The body is not an object.", "Send a JSON object.")
    given = {name: value for name, value in raw.items() if value is not None and name not in _ASIDE}
    for name, value in given.items():
        if name not in _KNOWN and value not in _NEUTRAL.get(name, ()):
            raise BadRequest(name, f"{name!r} is not supported here, and is not ignored in silence.")
    try:
        return msgspec.convert(given, Body, strict=True, str_keys=True)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$")[2].strip("`.")
        raise BadRequest(field, f"{error}.", "Mend that field.") from error
