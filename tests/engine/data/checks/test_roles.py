"""The order of turns; calls, their answers, and the functions on offer."""

from __future__ import annotations

import json

import pytest

from engine.data.checks.roles import scans
from store.records.data import Example, Message, ToolCall
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import chat, notes, scanned, turns

SCAN = scans(CheckSettings())
USER, ASSISTANT = Message("user", "what is it?"), Message("assistant", "it is this.")
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
OPENAI = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}])
BARE = json.dumps([{"name": "weather", "parameters": PARAMETERS}])
PYTHONIC = json.dumps(
    [{"name": "weather", "parameters": {"type": "dict", "properties": {"city": {"type": "str"}}}}]
)


def call(arguments: str = '{"city": "Oslo"}', name: str = "weather", id_: str = "") -> Message:
    return Message("assistant", "", [ToolCall(name, arguments, id_)])


def answered(request: Message, tools: str = OPENAI) -> Example:
    return turns(USER, request, Message("tool", "sunny"), ASSISTANT, tools=tools)


def kinds(example: Example) -> list[str]:
    return sorted({hit.kind.removeprefix("roles/") for hit in notes(SCAN, example)})


def test_usual_conversations_have_no_finding() -> None:
    rows = [
        chat("a", "b"),
        turns(Message("system", "be kind"), USER, ASSISTANT, USER, ASSISTANT),
        answered(call()),
        turns(USER, call(), tools=OPENAI),
    ]
    assert scanned(SCAN, rows) == {}


def test_an_answer_before_any_question_is_found() -> None:
    assert kinds(turns(ASSISTANT, USER, ASSISTANT)) == ["assistant_first"]


@pytest.mark.parametrize("pair", [(USER, USER), (ASSISTANT, ASSISTANT)])
def test_two_turns_of_one_role_in_a_row_are_found(pair: tuple[Message, Message]) -> None:
    assert kinds(turns(USER, ASSISTANT, *pair, ASSISTANT)) == ["repeated"]


def test_a_system_message_in_the_middle_is_found() -> None:
    assert kinds(turns(USER, Message("system", "now be brief"), ASSISTANT)) == ["system_late"]


def test_a_call_that_is_never_answered_is_found_unless_it_ends_the_row() -> None:
    assert "call_without_answer" in kinds(turns(USER, call(), USER, ASSISTANT, tools=OPENAI))
    assert kinds(turns(USER, call(), tools=OPENAI)) == []


def test_an_answer_that_nothing_called_for_is_found() -> None:
    assert kinds(turns(USER, Message("tool", "sunny"), ASSISTANT)) == ["answer_without_call"]


def test_parallel_calls_are_matched_by_id_in_any_order() -> None:
    calls = Message("assistant", "", [ToolCall("weather", '{"city": "a"}', i) for i in ("1", "2")])
    answers = [Message("tool", "x", tool_call_id=i) for i in ("2", "1")]
    assert kinds(turns(USER, calls, *answers, ASSISTANT, tools=OPENAI)) == []
    assert kinds(turns(USER, calls, answers[0], answers[0], ASSISTANT, tools=OPENAI)) == [
        "answer_without_call",
        "call_without_answer",
    ]


@pytest.mark.parametrize("tools", [OPENAI, BARE])
def test_a_function_that_is_not_on_offer_is_found_in_every_shape_of_tools(tools: str) -> None:
    assert kinds(answered(call("{}", "wether"), tools)) == ["unknown_function"]
    assert kinds(answered(call(), tools)) == []


def test_a_call_without_any_function_on_offer_is_found() -> None:
    assert kinds(answered(call(), "")) == ["unknown_function"]


@pytest.mark.parametrize(
    "arguments", ['{"days": 3}', '{"city": 3}', '{"city": "Oslo", "days": 1.5}', '{"city": ', '["Oslo"]']
)
def test_arguments_that_a_function_does_not_take_are_found(arguments: str) -> None:
    assert kinds(answered(call(arguments))) == ["arguments"]


def test_type_names_of_python_are_understood() -> None:
    assert kinds(answered(call('{"city": "Oslo"}'), PYTHONIC)) == []
    assert kinds(answered(call('{"city": 1}'), PYTHONIC)) == ["arguments"]


def test_tools_that_cannot_be_read_are_said_once_and_calls_are_not_judged_by_them() -> None:
    assert kinds(answered(call(), "not json")) == ["tools"]
    broken = json.dumps([{"name": "weather", "parameters": {"type": "object", "properties": 3}}])
    assert kinds(answered(call(), broken)) == ["tools"]


def test_a_parameter_may_be_called_type() -> None:
    tools = json.dumps(
        [{"name": "f", "parameters": {"type": "object", "properties": {"type": {"type": "string"}}}}]
    )
    assert kinds(answered(call('{"type": "x"}', "f"), tools)) == []


def test_the_rejected_ending_is_judged_behind_the_prompt_and_named() -> None:
    row = chat("a", "b", rejected=[Message("user", "no")], prompt_turns=1)
    assert [hit.note for hit in notes(SCAN, row)] == ["rejected: turns 1 and 2 are both the user's"]
