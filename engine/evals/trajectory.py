"""A case under way: what is asked next, until there is nothing more to ask.

Most cases are one question. One with `turns` goes on with the next question once the last was answered; one
with `tool_results` gets the result of each call that it makes, as long as there is one. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.evals.checks.calls import Call, as_tool_calls, calls_in, parsed_calls
from engine.evals.checks.values import same_json
from engine.evals.identity import conversation
from store.records.data import Message, ToolCall
from store.records.evals import Case, ChoiceScore, ToolResult
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings

MOST_ROUNDS = 16
"""A model that calls tools for ever is stopped behind so many answers."""


class Answered(Protocol):
    """What an answerer gives back; tokens as its model counts them. `error` says why there is no answer."""

    @property
    def text(self) -> str:
        """The answer."""

    @property
    def finish_reason(self) -> str:
        """stop, length, or another word of the answerer's."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens read."""

    @property
    def completion_tokens(self) -> int:
        """Tokens written."""

    @property
    def citations(self) -> list[Citation]:
        """Passages that the answer cites."""

    @property
    def hits(self) -> list[Hit]:
        """Passages that the model was given."""

    @property
    def choices(self) -> list[ChoiceScore]:
        """The figures of what there was to choose from, where the answer was chosen."""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Calls that were read out of the answer already, where tools were on offer."""

    @property
    def timings(self) -> Timings:
        """How long each part took."""

    @property
    def error(self) -> str:
        """Why there is no answer; empty where there is one."""


class Trajectory:
    """One case, asked once. `messages` is what to ask next; `take` an answer until `done`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.messages = list(conversation(case))
        self.steps: list[Message] = []
        self.calls: list[ToolCall] = []
        self.answers: list[Answered] = []
        self.error = ""
        self.done = False
        self._turns = list(case.turns)

    @property
    def has_tools(self) -> bool:
        """Whether answers are looked through for calls."""
        return bool(self.case.tools or self.case.tool_results or self.case.expected_tool_calls is not None)

    def take(self, answer: Answered) -> None:
        """Go on behind an answer."""
        self.answers.append(answer)
        if answer.error:
            self.error, self.done = answer.error, True
            return
        calls = self._calls_of(answer)
        self.calls += as_tool_calls(calls)
        results = [_result_of(call, self.case.tool_results) for call in calls]
        if calls and None not in results:
            self._go_on(Message("assistant", "", tool_calls=as_tool_calls(calls)))
            for (name, _), content in zip(calls, results, strict=True):
                self._go_on(Message("tool", content or "", name=name))
        else:
            said = Message("assistant", answer.text)
            self._go_on(said) if self._turns else self.steps.append(said)
            if not self._turns:
                self.done = True
                return
            self._go_on(Message("user", self._turns.pop(0)))
        if len(self.answers) >= MOST_ROUNDS:
            self.error, self.done = f"no end behind {MOST_ROUNDS} answers", True

    def _calls_of(self, answer: Answered) -> Sequence[Call]:
        if not self.has_tools:
            return []
        try:
            return parsed_calls(answer.tool_calls) if answer.tool_calls else calls_in(answer.text)
        except ValueError:  # what was meant as a call and is none: the checks say so of the text
            return []

    def _go_on(self, message: Message) -> None:
        self.messages.append(message)
        self.steps.append(message)


def _result_of(call: Call, results: Sequence[ToolResult]) -> str | None:
    """What the tool answers; None where the case does not say. One for these very arguments goes first."""
    name, arguments = call
    named = [one for one in results if one.name == name]
    exact = [one for one in named if one.arguments is not None and same_json(one.arguments, arguments)]
    fitting = exact or [one for one in named if one.arguments is None]
    return fitting[0].content if fitting else None
