"""How a model writes a call of a tool, read off its chat template: a call is rendered and looked at.

Most families write a JSON object with the name and the arguments, between words of their own. Where a
template knows no tools, or writes calls in another way, `<tool_call>` tags are used; in the first case they
are explained to the model. Knows nothing of grammars.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from engine.models.chat import render_chat
from store.errors import UsageError
from store.records.data import Message, ToolCall

_NAME, _KEY, _VALUE = "temper_probe", "temper_key", "temper_value"
_TOOL = {
    "type": "function",
    "function": {"name": _NAME, "description": "", "parameters": {"type": "object", "properties": {}}},
}


class CallForm(msgspec.Struct, frozen=True):
    """`before`, then `{"<name>": ..., "<arguments>": ...}`, then `after`.

    `told`: the template itself tells the model which tools there are; else a system message has to.
    """

    before: str
    after: str
    name: str = "name"
    arguments: str = "arguments"
    told: bool = True


TAGS = CallForm("<tool_call>\n", "\n</tool_call>", told=False)


@lru_cache(maxsize=16)
def call_form(template: str) -> CallForm:
    """The form in which a model with this chat template writes calls."""
    asked = [Message("user", "temper?")]
    call = Message("assistant", "", [ToolCall(_NAME, json.dumps({_KEY: _VALUE}), "abcdefghi")])
    try:
        empty = render_chat(template, asked, add_generation_prompt=True, tools=[_TOOL])
        written = render_chat(template, [*asked, call], add_generation_prompt=False, tools=[_TOOL])
        bare = render_chat(template, asked, add_generation_prompt=True)
    except UsageError:
        return TAGS
    told = empty != bare
    if not told or not written.startswith(empty):
        return msgspec.structs.replace(TAGS, told=told)
    return _read(written[len(empty) :]) or msgspec.structs.replace(TAGS, told=told)


def _read(turn: str) -> CallForm | None:
    """The form of the call in an assistant's turn; None where it is no JSON object of its own."""
    start = turn.find("{")
    try:
        value, end = json.JSONDecoder().raw_decode(turn, start) if start >= 0 else (None, 0)
    except ValueError:
        return None
    if not isinstance(value, dict) or _VALUE not in turn:
        return None
    names = [key for key, one in value.items() if one == _NAME]
    arguments = [key for key, one in value.items() if one == {_KEY: _VALUE}]
    before = turn[:start].rpartition("</think>")[2].lstrip("\n")  # thoughts are no part of a call
    if len(names) != 1 or len(arguments) != 1 or _NAME in before or before.endswith("["):
        return None
    after = "\n</tool_call>" if turn[end:].startswith("\n</tool_call>") else ""
    return CallForm(before, after, names[0], arguments[0])


def explained(tools: Sequence[dict[str, Any]], form: CallForm) -> str:
    """What a system message says of the tools, where the template does not."""
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    example = f'{form.before}{{"{form.name}": NAME, "{form.arguments}": {{...}}}}{form.after}'
    return f"You can call these functions:\n{listed}\nTo call one, write:\n{example}"
