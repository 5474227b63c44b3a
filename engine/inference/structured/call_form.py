"""How a model writes calls of tools: the words around each call's name and arguments.

A form is read off a chat template (call_reading.py beside this); where a template writes none, or one that
cannot be followed here, `DEFAULT` is used and explained to the model. Knows nothing of grammars or templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

ID, MAYBE_ID, NUMBER = "\0id", "\0maybe_id", "\0number"
"""Holes of a fragment: an id of nine characters, Mistral's `, "id": ...` or nothing, a counter."""
HOLES = {ID: "[A-Za-z0-9]{9}", MAYBE_ID: '(?:, "id": "[A-Za-z0-9]{9}")?', NUMBER: "[0-9]{1,3}"}
Fragment = tuple[str, ...]
"""Text with holes in it."""


class Tagged(msgspec.Struct, frozen=True):
    """Arguments as named values, one behind the other; a string stands as it is, with nothing escaped.

    `opening` KEY `middle` VALUE `closing`, (`joint` KEY `middle` VALUE `closing`)...; `empty` where there are
    none. Strings stand between `quotes` besides, which may be empty. `words`: how true, false and null are
    written. `in_order`: keys come in the order of the alphabet, not of the schema.
    """

    opening: str
    middle: str
    closing: str
    joint: str
    empty: str
    quotes: tuple[str, str] = ("", "")
    words: tuple[str, str, str] = ("true", "false", "null")
    in_order: bool = False

    @property
    def string_end(self) -> str:
        """What ends a string, and is in none."""
        return self.quotes[1] or self.closing


class CallForm(msgspec.Struct, frozen=True):
    """`before` NAME `between` ARGUMENTS, (`joint` NAME `between` ARGUMENTS)..., `after`.

    `joint` is None where an answer has one call. `name_first` is False where the arguments come first.
    Arguments are a JSON object, or `tagged`. `marker` is the beginning of `before` that tells calls from text
    wherever it stands; without one a call is known only at the beginning of an answer. `thought`: the prompt
    ends inside a thought (`open`), an answer may begin with one (`may`), or neither. `told`: the template
    itself tells the model which tools there are; else a system message has to.
    """

    before: Fragment
    between: Fragment
    joint: Fragment | None
    after: Fragment
    marker: str = ""
    name_first: bool = True
    tagged: Tagged | None = None
    thought: Literal["", "may", "open"] = ""
    told: bool = True

    @property
    def begin(self) -> str:
        """What tells a call from text."""
        return self.marker or self.before[0]


DEFAULT = CallForm(
    before=('<tool_call>\n{"name": "',),
    between=('", "arguments": ',),
    joint=('}\n</tool_call>\n<tool_call>\n{"name": "',),
    after=("}\n</tool_call>",),
    marker="<tool_call>",
    told=False,
)
"""The form of the Hermes and Qwen families, for models whose templates have none that can be followed."""

THOUGHT_BEGIN, THOUGHT_END = "<think>", "</think>"


def pattern_of(fragment: Fragment) -> re.Pattern[str]:
    """What finds a fragment in a text."""
    return re.compile("".join(HOLES.get(part) or re.escape(part) for part in fragment))


def example_of(form: CallForm) -> str:
    """A call as it would be written, with NAME for the name and words in capitals for the arguments."""
    arguments = "{...}"
    if form.tagged:
        tagged = form.tagged
        value = f"{tagged.quotes[0]}VALUE{tagged.quotes[1]}"
        arguments = f"{tagged.opening}KEY{tagged.middle}{value}{tagged.closing}"
    pair = ("NAME", arguments) if form.name_first else (arguments, "NAME")
    filled = {ID: "000000000", NUMBER: "0", MAYBE_ID: ""}
    before, between, after = (
        "".join(filled.get(part, part) for part in fragment)
        for fragment in (form.before, form.between, form.after)
    )
    return f"{before}{pair[0]}{between}{pair[1]}{after}"


def explained(tools: Sequence[dict[str, Any]], form: CallForm) -> str:
    """What a system message says of the tools, where the template does not."""
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    return f"You can call these functions:\n{listed}\nTo call one, write:\n{example_of(form)}"
