"""Calls of tools as a structure: OpenAI's `tools` and `tool_choice`, each call's arguments by its schema.

Under `required` or a named tool the answer is calls and nothing else. Under `auto` it is either text or
calls: once it has begun like a call it must be one. Knows nothing of templates beyond the form they give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from engine.inference.structured.call_form import CallForm
from engine.inference.structured.grammar import json_rule, lark_text
from engine.inference.structured.lowering import LoweredSchema
from engine.inference.structured.negation import quoted
from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import Structure
from engine.inference.structured.validation import Checker, strict_json
from store.errors import UsageError
from store.records.data import ToolCall

MOST_CALLS = 16
"""Calls of one answer."""
ToolChoice = Literal["auto", "required"]


class ToolSet:
    """Tools that an answer may or must call. Raises UsageError for tools that are none, or not enforceable.

    `choice` is `auto`, `required` or the name of the one tool to call; `parallel`: several calls an answer.
    """

    def __init__(
        self, tools: Sequence[dict[str, Any]], choice: str, form: CallForm, parallel: bool = True
    ) -> None:
        self.form = form
        self._functions = dict(map(_function, tools))
        if choice not in ("auto", "required"):
            if choice not in self._functions:
                raise UsageError(
                    "No such tool",
                    f"tool_choice names {choice!r}; there are: {', '.join(self._functions)}.",
                    "Name one of them.",
                )
            self._functions = {choice: self._functions[choice]}
        self._must = choice != "auto"
        self._checkers = {name: Checker(schema) for name, schema in self._functions.items()}
        most = MOST_CALLS if parallel and choice in ("auto", "required") else 1
        self.structure = Structure(self._rules(most), self.problem, calls=self.calls)

    def _rules(self, most: int) -> str:
        form, rules = self.form, list[str]()
        for at, (name, schema) in enumerate(self._functions.items()):
            try:
                lowered = LoweredSchema(schema).schema
            except SchemaRefused as error:
                title = f"The tool {name!r} cannot be enforced"
                raise UsageError(title, error.happened, error.remedy) from error
            head = f'{form.before}{{"{form.name}": {json.dumps(name)}, "{form.arguments}": '
            rules.append(json_rule(lowered, f"arguments{at}"))
            rules.append(f"call{at}: {lark_text(head)} arguments{at} {lark_text('}' + form.after)}")
        one = " | ".join(f"call{at}" for at in range(len(self._functions)))
        more = f' ("\\n" call){{0,{most - 1}}}' if most > 1 else ""
        answer = f"answer: call{more}" + ("" if self._must else " | TEXT")
        text = [] if self._must else [f"TEXT: /{_not_begun_by(self._begin())}/"]
        return "\n".join([answer, f"call: {one}", *rules, *text])

    def _begin(self) -> str:
        """What tells a call from text: its first characters."""
        return self.form.before.strip() or f'{{"{self.form.name}"'

    def calls(self, text: str) -> list[ToolCall]:
        """The calls in an answer; none where it is text. Raises ValueError for what is neither."""
        if not self._must and not text.startswith(self._begin()):
            return []
        found, rest = list[ToolCall](), text
        while rest:
            if found:
                rest = rest.removeprefix("\n")
            if not rest.startswith(self.form.before):
                raise ValueError("it is no call")
            rest = rest.removeprefix(self.form.before)
            value, end = json.JSONDecoder().raw_decode(rest)
            strict_json(rest[:end])
            if not isinstance(value, dict) or set(value) != {self.form.name, self.form.arguments}:
                raise ValueError("a call has a name and arguments, nothing else")
            arguments = json.dumps(value[self.form.arguments], ensure_ascii=False)
            found.append(ToolCall(str(value[self.form.name]), arguments, f"call_{len(found)}"))
            rest = rest[end:]
            if not rest.startswith(self.form.after):
                raise ValueError("a call is not closed")
            rest = rest.removeprefix(self.form.after)
        if not found:
            raise ValueError("there is no call")
        return found

    def problem(self, text: str) -> str:
        """Why an answer is neither text nor good calls; empty when it is."""
        try:
            calls = self.calls(text)
        except ValueError as error:
            return f"The calls cannot be read: {error}."
        for call in calls:
            checker = self._checkers.get(call.name)
            if checker is None:
                return f"There is no tool {call.name!r}."
            problem = checker.problem(call.arguments)
            if problem:
                return f"The call of {call.name!r}: {problem}"
        return ""


class _Function(msgspec.Struct):
    name: str
    description: str = ""
    parameters: Any = None
    strict: bool | None = None


class _Tool(msgspec.Struct):
    type: Literal["function"]
    function: _Function


def _function(tool: dict[str, Any]) -> tuple[str, Any]:
    try:
        function = msgspec.convert(tool, _Tool).function
    except msgspec.ValidationError as error:
        raise UsageError(
            "That is no tool", f"{error}.", 'Write {"type": "function", "function": {"name": ...}}.'
        ) from error
    if not re.fullmatch(r"[A-Za-z0-9_.\-]{1,128}", function.name):
        raise UsageError(
            "That cannot be a tool's name", f"{function.name!r:.200}", "Use letters, digits, _, - and dots."
        )
    return function.name, {"type": "object"} if function.parameters is None else function.parameters


def _not_begun_by(begin: str) -> str:
    """A pattern for all texts that do not begin with `begin`."""
    heads = ["".join(map(quoted, begin[:at])) for at in range(len(begin))]
    others = [f"{head}[^{quoted(letter)}](?s:.*)" for head, letter in zip(heads, begin, strict=True)]
    return f"(?:{'|'.join([*others, *heads])})"
