"""Turns and tools as chat templates read them: plain dicts in OpenAI's form, in the variants templates want.

Does not know any template.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from store.errors import UsageError
from store.records.data import Message, ToolCall

Tool = dict[str, Any]
"""A function on offer: `{"type": "function", "function": {"name": ..., "parameters": ...}}`."""

SHORT_ID = 9
"""Characters of a call's id that Mistral's templates insist on."""


class Form(NamedTuple):
    """How a turn with calls is written. `no_content`: None for an empty content, as OpenAI's API has it."""

    arguments_as_text: bool = False
    no_content: bool = False
    short_ids: bool = False


FORMS = (
    Form(),
    Form(no_content=True),
    Form(arguments_as_text=True),
    Form(arguments_as_text=True, no_content=True),
    Form(short_ids=True),
    Form(arguments_as_text=True, short_ids=True),
)


def tools_of(text: str) -> list[Tool]:
    """The functions on offer in a row's `tools`; bare functions are wrapped. Raises UsageError."""
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except ValueError as error:
        raise unreadable_tools(str(error)) from error
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(tool, dict) and ("name" in tool or "function" in tool) for tool in listed):
        raise unreadable_tools("not every one of them is a function with a name")
    return [tool if "function" in tool else {"type": "function", "function": tool} for tool in listed]


def unreadable_tools(reason: str) -> UsageError:
    """What a user is told of tools that are no list of functions."""
    return UsageError(
        "The tools of a row cannot be read",
        f"They are no JSON array of functions: {reason}.",
        'Each looks like {"type": "function", "function": {"name": ..., "parameters": {...}}}.',
    )


def tool_name(tool: Tool) -> str:
    """What a function on offer is called; empty when it does not say."""
    function = tool.get("function")
    return str(function.get("name") or "") if isinstance(function, dict) else ""


def as_dicts(messages: Sequence[Message], form: Form) -> list[dict[str, Any]]:
    """The turns as templates read them; a plain turn is its role and content and nothing else."""
    turns: list[dict[str, Any]] = []
    unanswered: list[str] = []  # ids of calls, for answers that name none
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            ids = [_id_of(call, len(turns), at, form) for at, call in enumerate(message.tool_calls)]
            turn["tool_calls"] = [
                _call(call, name, form) for call, name in zip(message.tool_calls, ids, strict=True)
            ]
            unanswered = ids
            if form.no_content and not message.content:
                turn["content"] = None
        elif message.role == "tool":
            named = _short(message.tool_call_id) if form.short_ids else message.tool_call_id
            own = unanswered.pop(0) if unanswered else ""
            if named or own:
                turn["tool_call_id"] = named or own
            if message.name:
                turn["name"] = message.name
        turns.append(turn)
    return turns


def arguments_of(call: ToolCall) -> Any:
    """A call's arguments as an object; as the text they are where that is no JSON."""
    try:
        return json.loads(call.arguments) if call.arguments.strip() else {}
    except ValueError:
        return call.arguments


def _call(call: ToolCall, name: str, form: Form) -> dict[str, Any]:
    arguments = call.arguments if form.arguments_as_text else arguments_of(call)
    written: dict[str, Any] = {"type": "function", "function": {"name": call.name, "arguments": arguments}}
    return {"id": name, **written} if name else written


def _id_of(call: ToolCall, turn: int, at: int, form: Form) -> str:
    if not form.short_ids:
        return call.id
    return _short(call.id or f"{turn}.{at}")


def _short(name: str) -> str:
    if len(name) == SHORT_ID or not name:
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:SHORT_ID]
