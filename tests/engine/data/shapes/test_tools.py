"""Tool definitions and calls: OpenAI's two forms, ShareGPT's, and questions with functions and gold calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store.records.data import Message, ToolCall
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import ANSWER, USER, reason, row

WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
WRAPPED = [{"type": "function", "function": WEATHER}]
ARGUMENTS = '{"city": "Rome"}'


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def called(arguments: Any = ARGUMENTS, call_id: str = "c1") -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize("arguments", [ARGUMENTS, {"city": "Rome"}])
def test_a_call_and_its_answer_become_turns(arguments: Any) -> None:
    answer = {"role": "tool", "tool_call_id": "c1", "content": "18 degrees"}
    found = row({"messages": [USER, called(arguments), answer, ANSWER], "tools": WRAPPED})
    assert found.messages[1:3] == [
        Message("assistant", "", tool_calls=[ToolCall("weather", ARGUMENTS, "c1")]),
        Message("tool", "18 degrees", tool_call_id="c1"),
    ]
    assert json.loads(found.tools) == WRAPPED


@pytest.mark.parametrize(
    "record",
    [
        {"tools": WRAPPED},
        {"tools": [WEATHER]},
        {"tools": WEATHER},
        {"functions": [WEATHER]},
        {"tools": json.dumps([WEATHER])},
        {"tools": [{"type": "function", **WEATHER}]},
    ],
)
def test_definitions_have_one_form_however_they_are_written(record: dict[str, Any]) -> None:
    assert row({"messages": [USER, ANSWER], **record}).tools == json.dumps(WRAPPED)


@pytest.mark.parametrize("empty", [None, [], "", "[]"])
def test_no_tools_are_no_tools(empty: Any) -> None:
    assert row({"messages": [USER, ANSWER], "tools": empty}).tools == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"degrees": 18}, '{"degrees": 18}'),
        ([18], "[18]"),
        (18, "18"),
        ([{"type": "text", "text": "x"}], "x"),
    ],
)
def test_a_structure_that_a_tool_gave_back_becomes_its_json(content: Any, expected: str) -> None:
    answer = {"role": "tool", "tool_call_id": "c1", "content": content}
    assert row({"messages": [USER, called(), answer, ANSWER]}).messages[2].content == expected


def test_the_older_function_call_is_a_tool_call() -> None:
    call = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "weather", "arguments": ARGUMENTS},
    }
    answer = {"role": "function", "name": "weather", "content": "18"}
    found = row({"messages": [USER, call, answer, ANSWER], "functions": [WEATHER]})
    assert found.messages[1].tool_calls == [ToolCall("weather", ARGUMENTS)]
    assert found.messages[2] == Message("tool", "18", name="weather")


def test_a_call_may_be_the_answer_to_learn() -> None:
    assert row({"messages": [USER, called()]}).messages[-1].tool_calls[0].name == "weather"


def test_sharegpt_calls_and_observations_become_calls_and_tool_turns() -> None:
    turns = [
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": "Let me look."},
        {"from": "function_call", "value": json.dumps({"name": "weather", "arguments": {"city": "Rome"}})},
        {"from": "observation", "value": "18"},
        {"from": "gpt", "value": "a"},
    ]
    found = row({"conversations": turns, "tools": json.dumps([WEATHER])})
    assert found.messages[1:3] == [
        Message("assistant", "Let me look.", tool_calls=[ToolCall("weather", ARGUMENTS)]),
        Message("tool", "18"),
    ]


def test_calls_written_as_text_of_the_answer_stay_text() -> None:
    turns = [
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": '<tool_call>{"name": "weather"}</tool_call>'},
        {"from": "tool", "value": "18"},
        {"from": "gpt", "value": "a"},
    ]
    assert [turn.role for turn in row({"conversations": turns}).messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([USER, called('{"city": ')], "the arguments of weather are not JSON"),
        ([USER, called("[1]")], "the arguments of weather are not an object"),
        ([USER, called(7)], "the arguments of weather are not an object"),
        ([USER, called({"x": float("inf")})], "what JSON cannot"),
        ([USER, {**ANSWER, "tool_calls": [{}]}], "a tool call has no name"),
        ([USER, {**ANSWER, "tool_calls": ["x"]}], "a tool call is not an object"),
        ([{**USER, "tool_calls": called()["tool_calls"]}, ANSWER], "only the assistant can"),
        ([USER, {"role": "function_call", "content": "no"}], "empty or no JSON"),
        (
            [USER, called(), {"role": "tool", "tool_call_id": "c2", "content": "x"}, ANSWER],
            "a tool answers call 'c2', which is not open",
        ),
        ([USER, {**ANSWER, "tool_calls": called()["tool_calls"] * 2}], "the same id"),
    ],
)
def test_broken_calls_keep_the_row_out(turns: list[dict[str, Any]], expected: str) -> None:
    assert expected in reason({"messages": turns})


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([{"type": "code_interpreter"}], "only functions can be trained on"),
        ([{"description": "no name"}], "has no name"),
        (["weather"], "not an object"),
        ("[", "tools is not JSON"),
        (7, "not a list"),
    ],
)
def test_what_is_no_function_definition_keeps_the_row_out(tools: Any, expected: str) -> None:
    assert expected in reason({"messages": [USER, ANSWER], "tools": tools})


def test_a_question_with_functions_and_calls_is_a_conversation() -> None:
    found = row(
        {"query": "q", "tools": json.dumps([WEATHER]), "answers": [{"name": "weather", "arguments": {}}]}
    )
    assert found.messages == [Message("user", "q"), Message("assistant", "", [ToolCall("weather", "{}")])]
    assert json.loads(found.tools) == WRAPPED


def test_glaive_dialogues_keep_every_call(importing: Importing, shared_data: Path) -> None:
    info = importing.file(shared_data / "preference" / "llama_factory" / "glaive_toolcall_en_demo.json").info
    rows = importing.rows()
    assert (info.kind, info.shape, info.rows_kept, info.dropped) == ("chat", "sharegpt", 300, [])
    calls = [call for row in rows for turn in row.messages for call in turn.tool_calls]
    assert len(calls) == 211
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
    assert sum(turn.role == "tool" for row in rows for turn in row.messages) == 211
    assert all(json.loads(row.tools)[0]["type"] == "function" for row in rows if row.tools)


def test_function_questions_become_rows_once_their_calls_are_beside_them(
    importing: Importing, shared_data: Path
) -> None:
    folder = shared_data / "instruct" / "bfcl"
    answers = {}
    for line in lines_of(folder / "possible_answer" / "BFCL_v4_multiple.json"):
        row = json.loads(line)
        answers[row["id"]] = [
            {"name": name, "arguments": {key: values[0] for key, values in given.items() if values[0] != ""}}
            for call in row["ground_truth"]
            for name, given in call.items()
        ]
    questions = [
        json.loads(line) for line in (folder / "BFCL_v4_multiple.json").read_text("utf-8").splitlines()
    ]
    lines = [json.dumps({**row, "answers": answers[row["id"]]}) for row in questions]
    info = importing.text("bfcl.jsonl", "\n".join(lines)).info
    assert (info.shape, info.rows_kept, info.dropped) == ("function_calls", len(questions), [])
