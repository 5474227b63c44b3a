"""Calls read out of a complete answer, in the form that they were written in.

Does not judge them: names may be unknown, arguments may break their schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from engine.inference.structured.call_form import THOUGHT_BEGIN, THOUGHT_END, CallForm, pattern_of
from engine.inference.structured.lowered import Lowered
from engine.inference.structured.tagged import TaggedArguments
from engine.inference.structured.validation import strict_json
from store.records.data import ToolCall

SPACE = " \t\r\n"
"""White space of JSON, which a grammar lets stand before a value."""


class Read(NamedTuple):
    """What an answer says, and the calls behind it."""

    said: str
    calls: list[ToolCall]


class CallReader:
    """Reads answers in `form`. `functions`: the lowered schema of each one's arguments."""

    def __init__(self, form: CallForm, functions: Mapping[str, Lowered]) -> None:
        self._form = form
        self._names = sorted(functions, key=len, reverse=True)
        self._tagged = {
            name: TaggedArguments(schema, form.tagged) for name, schema in functions.items() if form.tagged
        }
        self._before, self._between, self._after = map(pattern_of, (form.before, form.between, form.after))
        self._joint = pattern_of(form.joint) if form.joint is not None else None

    def read(self, text: str) -> Read:
        """The parts of an answer. Raises ValueError for calls that are not written as they should be."""
        body = self._without_thought(text)
        form = self._form
        at = body.find(form.marker) if form.marker else 0 if body.startswith(form.begin) else -1
        if at < 0:
            return Read(body, [])
        calls, rest = list[ToolCall](), self._past(self._before, body[at:])
        while True:
            call, rest = self._call(rest, len(calls))
            calls.append(call)
            if self._after.fullmatch(rest):
                return Read(body[:at].rstrip(), calls)
            if self._joint is None or not self._joint.match(rest):
                raise ValueError("a call is not closed")
            rest = self._past(self._joint, rest)

    def _without_thought(self, text: str) -> str:
        form = self._form
        thinks = form.thought == "open" or (form.thought == "may" and text.startswith(THOUGHT_BEGIN))
        if not thinks:
            return text
        _, ended, rest = text.partition(THOUGHT_END)
        return rest.lstrip() if ended else ""

    def _call(self, text: str, at: int) -> tuple[ToolCall, str]:
        """One call, and what is behind it."""
        if self._form.name_first:
            name, rest = self._name(text)
            arguments, rest = self._arguments(name, self._past(self._between, rest))
        else:
            arguments, rest = self._arguments("", text)
            name, rest = self._name(self._past(self._between, rest))
        return ToolCall(name, arguments, f"call_{at}"), rest

    def _name(self, text: str) -> tuple[str, str]:
        for name in self._names:
            rest = text.removeprefix(name)
            if text.startswith(name) and self._follows(name, rest):
                return name, rest
        raise ValueError(f"it calls no tool that there is: {text[:60]!r}")

    def _follows(self, name: str, rest: str) -> bool:
        """Whether a name ends here: one may be the beginning of another."""
        if not self._form.name_first:
            return self._ends(rest)
        form = self._form.tagged
        if form is None:
            return self._between.match(rest) is not None
        if rest.startswith(form.opening):
            return True
        return rest.startswith(form.empty) and self._ends(rest.removeprefix(form.empty))

    def _ends(self, rest: str) -> bool:
        """Whether a call ends here."""
        return bool(self._after.match(rest) or (self._joint is not None and self._joint.match(rest)))

    def _arguments(self, name: str, text: str) -> tuple[str, str]:
        """A call's arguments as JSON, and what is behind them."""
        if self._tagged:
            found, rest = self._tagged[name].read(text)
            return json.dumps(found, ensure_ascii=False), rest
        text = text.lstrip(SPACE)
        value, end = json.JSONDecoder().raw_decode(text)
        strict_json(text[:end])
        if not isinstance(value, dict):
            raise ValueError("its arguments are no object")
        return text[:end], text[end:]

    def _past(self, fragment: re.Pattern[str], text: str) -> str:
        match = fragment.match(text)
        if match is None:
            raise ValueError("it is no call")
        return text[match.end() :]
