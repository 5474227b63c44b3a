"""Calls of tools as a structure: OpenAI's `tools` and `tool_choice`, each call's arguments by its schema.

Under `required` or a named tool the answer is calls, nothing else. Under `auto` it is text, calls, or both:
what begins like a call must be one. Knows nothing of templates beyond the form they give.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from engine.inference.said import Said
from engine.inference.structured.call_form import DEFAULT, CallForm
from engine.inference.structured.call_reader import CallReader
from engine.inference.structured.call_rules import CallRules
from engine.inference.structured.lowered import Lowered, as_object
from engine.inference.structured.lowering import LoweredSchema
from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import Rules, Structure
from engine.inference.structured.tagged import NotTagged, TaggedArguments
from engine.inference.structured.validation import Checker
from engine.inference.structured.vocabulary import Vocabulary
from store.errors import UsageError
from store.records.data import ToolCall

MOST_CALLS = 16
"""Calls of one answer."""


class ToolSet:
    """Tools that an answer may or must call. Raises UsageError for tools that are none, or not enforceable.

    `choice` is `auto`, `required` or the name of the one tool to call; `parallel`: several calls an answer,
    where the form has a way to write them. Under `auto` text may come before the calls.
    """

    def __init__(
        self, tools: Sequence[dict[str, Any]], choice: str, form: CallForm, parallel: bool = True
    ) -> None:
        self.form = form
        self._schemas = functions_of(tools)
        if choice not in ("auto", "required"):
            if choice not in self._schemas:
                raise UsageError(
                    "No such tool",
                    f"tool_choice names {choice!r}; there are: {', '.join(self._schemas)}.",
                    "Name one of them.",
                )
            self._schemas = {choice: self._schemas[choice]}
        self.must = choice != "auto"
        self._most = MOST_CALLS if parallel and choice in ("auto", "required") else 1
        self._lowered = {name: _lowered(name, schema) for name, schema in self._schemas.items()}
        self._checkers = {name: Checker(schema) for name, schema in self._schemas.items()}
        self._reader = CallReader(form, self._lowered)
        said = partial(Said, form, self.must)
        self.structure = Structure(self._rules, self.problem, calls=self.calls, beside=self.beside, said=said)

    def _rules(self, vocabulary: Vocabulary) -> Rules:
        rules = CallRules(self.form, self._lowered, self.must, self._most, vocabulary)
        return Rules(rules.text(), rules.spelled())

    def calls(self, text: str) -> list[ToolCall]:
        """The calls in an answer; none where it is text. Raises ValueError for what is neither."""
        found = self._reader.read(text).calls
        if self.must and not found:
            raise ValueError("there is no call")
        if len(found) > self._most:
            raise ValueError(f"there are more than {self._most} calls")
        return found

    def beside(self, text: str) -> str:
        """What an answer says before its calls, thoughts left out. Raises ValueError as `calls` does."""
        return self._reader.read(text).said

    def problem(self, text: str) -> str:
        """Why an answer is neither text nor good calls; empty when it is."""
        try:
            calls = self.calls(text)
        except ValueError as error:
            return f"The calls cannot be read: {error}."
        return self.problem_of(calls)

    def problem_of(self, calls: Sequence[ToolCall]) -> str:
        """Why calls are not good ones; empty when they are."""
        if self.must and not calls:
            return "There is no call."
        if len(calls) > self._most:
            return f"There are more than {self._most} calls."
        for call in calls:
            checker = self._checkers.get(call.name)
            if checker is None:
                return f"There is no tool {call.name!r}."
            problem = checker.problem(call.arguments)
            if problem:
                return f"The call of {call.name!r}: {problem}"
        return ""


def form_for(tools: Sequence[dict[str, Any]], form: CallForm) -> CallForm:
    """The form to call `tools` in: `form`, unless it cannot follow the schema of one of them, then DEFAULT.

    Raises UsageError as ToolSet does.
    """
    if form.tagged is None:
        return form
    try:
        for name, schema in functions_of(tools).items():
            TaggedArguments(_lowered(name, schema), form.tagged)
    except NotTagged:
        return msgspec.structs.replace(DEFAULT, thought=form.thought)
    return form


def functions_of(tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The names of `tools` and the schema of each one's arguments. Raises UsageError."""
    found: dict[str, Any] = {}
    for name, schema in map(_function, tools):
        if name in found:
            raise UsageError("Two tools have one name", f"{name!r} is there twice.", "Rename one of them.")
        found[name] = schema
    return found


def _lowered(name: str, schema: Any) -> Lowered:
    """A function's arguments in the grammar's words; they are an object. Raises UsageError."""
    try:
        return as_object(LoweredSchema(schema).schema)
    except SchemaRefused as error:
        title = f"The tool {name!r} cannot be enforced"
        raise UsageError(title, error.happened, error.remedy) from error


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
