"""Whether a rendered text holds all that a turn says. White space is not compared: templates trim it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.models.turns import arguments_of
from store.records.data import Message

OPENING = 100
"""Characters at the end of a prompt that may be the answer's own beginning, such as `<think>`."""


def lost_part(message: Message, written: str, prompt: str = "") -> str:
    """What of an answer is not in the text `written` for it, in words; empty where all is there.

    Templates that end a prompt with the answer's opening (`<think>`) have that part in the `prompt`.
    """
    if not spells(written, message.content) and not _continues(prompt, message.content, written):
        return "a part of the answer"
    squeezed = squeeze(written)
    for call in message.tool_calls:
        if squeeze(call.name) not in squeezed:
            return f"the call of {call.name}"
        if not all(_holds(squeezed, value) for value in _leaves(arguments_of(call))):
            return f"an argument of the call of {call.name}"
    return ""


def spells(written: str, content: str) -> bool:
    """Whether `content` stands in `written`, as it is or inside JSON."""
    if content in written:
        return True
    return _holds(squeeze(written), content)


def squeeze(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def _continues(prompt: str, content: str, written: str) -> bool:
    """Whether the prompt's end and what is written behind it hold `content` together."""
    opening, wanted, rest = squeeze(prompt[-OPENING:]), squeeze(content), squeeze(written)
    lengths = range(min(len(opening), len(wanted)), 0, -1)
    return any(wanted.startswith(opening[-length:]) and wanted[length:] in rest for length in lengths)


def _holds(squeezed: str, value: Any) -> bool:
    if not isinstance(value, str):
        return squeeze(json.dumps(value)) in squeezed
    wanted = squeeze(value)
    if wanted in squeezed:
        return True
    forms = (json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1])
    return any(squeeze(form) in squeezed for form in forms)


def _leaves(value: Any) -> Iterator[Any]:
    """Texts and numbers in a JSON value; true, false and null are spelled differently everywhere."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield value
