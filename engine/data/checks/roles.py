"""Conversations whose turns do not follow from each other: the order of roles, tool calls and their answers.

Knows what chat templates and tool-calling models expect, and nothing of any one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.data.checks.contract import Kind
from engine.data.checks.tool_schema import Offer, read_offer
from store.records.data import Example, Message, ToolCall
from store.records.findings import CheckName, CheckSettings, Severity

SHOWN_LETTERS = 160
_CHECK: CheckName = "roles"
_WARN: Severity = "warn"


def scans(settings: CheckSettings) -> Roles:
    """The scan; no setting changes it."""
    return Roles()


def _kind(part: str, title: str, remedy: str) -> Kind:
    id_ = f"roles/{part}"
    return Kind(id_, _CHECK, _WARN, title, f"{remedy}, or: temper data fix {{dataset}} --drop {id_}")


class Roles:
    """The order of turns, and calls against answers and against the functions on offer."""

    kinds: tuple[Kind, ...] = (
        _kind(
            "assistant_first",
            "{count} rows begin with the assistant",
            "Put what it answers in front, or make it a system message",
        ),
        _kind(
            "repeated",
            "{count} rows have two turns of one role in a row",
            "Join them, or put the missing turn between",
        ),
        _kind(
            "system_late",
            "{count} rows have a system message in the middle",
            "Move it to the front of its row",
        ),
        _kind(
            "call_without_answer",
            "{count} rows go on after a tool call without its answer",
            "Add the tool's answer behind each call",
        ),
        _kind(
            "answer_without_call",
            "{count} rows hold a tool's answer that nothing called for",
            "Add the call, or remove the answer",
        ),
        _kind(
            "unknown_function",
            "{count} rows call a function that is not on offer",
            "Add the function to the row's tools, or mend its name",
        ),
        _kind(
            "arguments",
            "{count} rows call a function with arguments that it does not take",
            "Mend the arguments or the function's parameters",
        ),
        _kind(
            "tools",
            "{count} rows have tools that cannot be read",
            "Write them as OpenAI does: a JSON list of functions with JSON Schema parameters",
        ),
    )

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """What is out of order in one row; a preference's endings each behind its prompt."""
        if not example.messages:
            return
        yield from conversation(example.messages, example.tools)
        if example.rejected:
            prompt = example.messages[: example.prompt_turns or len(example.messages) - 1]
            seen = set(conversation(prompt, ""))
            for kind, note in conversation([*prompt, *example.rejected], example.tools):
                if (kind, note) not in seen:
                    yield kind, f"rejected: {note}"


def conversation(turns: Sequence[Message], tools: str) -> Iterator[tuple[str, str]]:
    """What is out of order in one conversation."""
    yield from order(turns)
    yield from calls_and_answers(turns)
    offer = read_offer(tools)
    if offer.problem:
        yield "roles/tools", offer.problem[:SHOWN_LETTERS]
    for number, turn in enumerate(turns, 1):
        for call in turn.tool_calls:
            yield from _call(call, offer, number)


def order(turns: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """The roles of a conversation against system?, then user and assistant in turn."""
    spoken = [(number, turn) for number, turn in enumerate(turns, 1) if turn.role != "system"]
    late = [number for number, turn in enumerate(turns, 1) if turn.role == "system" and number > 1]
    if late:
        yield "roles/system_late", f"turn {late[0]} of {len(turns)} is a system message"
    if spoken and spoken[0][1].role == "assistant":
        yield "roles/assistant_first", "no user turn before the first answer"
    for (_, before), (number, turn) in pairwise(spoken):
        if turn.role == before.role != "tool":
            yield "roles/repeated", f"turns {number - 1} and {number} are both the {turn.role}'s"
            return


def calls_and_answers(turns: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """Every call is answered before the next turn that is no tool's; the last turn's calls may stay open."""
    open_calls: list[ToolCall] = []
    for number, turn in enumerate(turns, 1):
        if turn.role == "tool":
            answered = _answered(turn, open_calls)
            if answered is None:
                yield "roles/answer_without_call", f"turn {number} answers {turn.name or 'a call'} never made"
            else:
                open_calls.remove(answered)
            continue
        if turn.role == "system":
            continue
        if open_calls:
            names = ", ".join(call.name for call in open_calls)
            yield "roles/call_without_answer", f"turn {number} comes before the answer of {names}"
        open_calls = list(turn.tool_calls)


def _answered(turn: Message, calls: Sequence[ToolCall]) -> ToolCall | None:
    """The call that a tool's turn answers: by id where both have one, else by name, else the first."""
    by_id = [call for call in calls if call.id and call.id == turn.tool_call_id]
    if by_id:
        return by_id[0]
    left = [call for call in calls if not (call.id and turn.tool_call_id)]
    named = [call for call in left if call.name == turn.name]
    return next(iter(named if named or (turn.name and not turn.tool_call_id) else left), None)


def _call(call: ToolCall, offer: Offer, number: int) -> Iterator[tuple[str, str]]:
    if call.name not in offer.judges:
        known = ", ".join(offer.judges) or "none"
        if not offer.problem:
            note = f"turn {number} calls {call.name or 'a function without a name'}; on offer: {known}"
            yield "roles/unknown_function", note[:SHOWN_LETTERS]
        return
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        yield "roles/arguments", f"turn {number}, {call.name}: not JSON: {error}"[:SHOWN_LETTERS]
        return
    if not isinstance(arguments, dict):
        yield "roles/arguments", f"turn {number}, {call.name}: not a JSON object"
    elif why := offer.judges[call.name](arguments):
        yield "roles/arguments", f"turn {number}, {call.name}: {why}"[:SHOWN_LETTERS]
