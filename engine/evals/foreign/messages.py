"""Conversations as OpenAI's API and its kin write them, as those of a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec

from store.records.data import Message, Role, ToolCall
from store.records.evals import Case

_ROLES: dict[str, Role] = {one: one for one in get_args(Role)}
_ALIASES: dict[str, Role] = {
    "developer": "system",
    "function": "tool",
    "human": "user",
    "model": "assistant",
    "gpt": "assistant",
}
Say = Callable[[str], None]


def is_conversation(value: Any) -> bool:
    """Whether it is a list of turns."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and "role" in one for one in value)
    )


def ask(case: Case, asked: Any, say: Say) -> None:
    """Put a text, or a conversation, into a case as what it asks. `say` is told what could not be taken."""
    if not isinstance(asked, list):
        case.input = asked if isinstance(asked, str) else msgspec.json.encode(asked).decode()
        return
    turns = [_message(one, say) for one in asked]
    if turns and turns[-1].role == "assistant":
        say("its last turn is the assistant's, a beginning to go on with: left out")
        turns.pop()
    if not turns:
        return
    last = turns[-1]
    if last.role == "tool":
        case.messages = turns
    else:  # OpenAI's older sets write the question as a system message, too
        case.input, case.before = last.content, turns[:-1]


def _message(turn: Any, say: Say) -> Message:
    if not isinstance(turn, dict):
        return Message("user", str(turn))
    named = str(turn.get("role", "user")).lower()
    role = _ROLES.get(named) or _ALIASES.get(named)
    if role is None:
        say(f"the role `{named}` is none here: taken as the user's")
        role = "user"
    message = Message(role, _text(turn.get("content"), say))
    message.name = str(turn.get("name") or turn.get("function") or "") if role == "tool" else ""
    message.tool_call_id = str(turn.get("tool_call_id") or "")
    for call in turn.get("tool_calls") or []:
        function = call.get("function", call) if isinstance(call, dict) else call
        if isinstance(function, str):  # Inspect's calls: {function: NAME, arguments: {...}}
            function = {"name": function, "arguments": call.get("arguments", {})}
        if isinstance(function, dict) and function.get("name"):
            given = function.get("arguments", {})
            text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
            message.tool_calls.append(ToolCall(str(function["name"]), text, str(call.get("id") or "")))
        else:
            say("a tool call of another form")
    return message


def _text(content: Any, say: Say) -> str:
    """The text of a turn, of its parts those that are text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return msgspec.json.encode(content).decode()
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            kind = part.get("type", "part") if isinstance(part, dict) else "part"
            say(f"a part of a turn that is no text (`{kind}`)")
    return "\n".join(texts)
