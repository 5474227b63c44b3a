"""A row in which tools were called becomes a case that is played: question, calls, their results, an answer.

Only what can be played: one question, then calls and results, then the answer. Where the user speaks in
between, the row stays a conversation whose last answer is asked for.
"""

from __future__ import annotations

from engine.data.importers import strict_json
from store.records.data import Example, Message, ToolCall
from store.records.evals import Case, ExpectedCall, ToolResult


def as_trajectory(case: Case, example: Example) -> Case:
    """The case with its calls expected and their results at hand; as it was where there is none to play."""
    turns = example.messages[: example.prompt_turns + 1] if example.prompt_turns else example.messages
    first = next((at for at, turn in enumerate(turns) if turn.tool_calls), 0)
    played = turns[first:-1]
    fits = first > 0 and turns[first - 1].role == "user" and not turns[-1].tool_calls
    if not fits or any(turn.role == "user" for turn in played) or played[-1].role != "tool":
        return case
    calls = [call for turn in played for call in turn.tool_calls]
    results = [turn for turn in played if turn.role == "tool"]
    if len(calls) != len(results):
        return case
    try:
        pairs = [(call, strict_json.decode(call.arguments or "{}")) for call in calls]
    except ValueError:
        return case
    case.messages, case.before, case.input = [], turns[: first - 1], turns[first - 1].content
    case.expected_tool_calls = [ExpectedCall(call.name, arguments) for call, arguments in pairs]
    case.tool_results = [
        ToolResult(call.name, _answer_to(call, at, results).content, arguments)
        for at, (call, arguments) in enumerate(pairs)
    ]
    return case


def _answer_to(call: ToolCall, at: int, results: list[Message]) -> Message:
    """The result of a call: by its id where both have one, else by its place."""
    return next((one for one in results if call.id and one.tool_call_id == call.id), results[at])
