"""Records of every shape become messages, or a reason."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.shapes import RowProblem, checked, shape_of
from store.records.data import Message

USER = {"role": "user", "content": "q"}
ANSWER = {"role": "assistant", "content": "a"}


def rows(record: dict[str, Any]) -> list[list[Message]]:
    shape = shape_of(record)
    assert shape is not None
    made = list(shape.rows(record))
    return [checked(turns) for turns in made if not isinstance(turns, RowProblem)]


def said(record: dict[str, Any]) -> list[tuple[str, str]]:
    (turns,) = rows(record)
    return [(turn.role, turn.content) for turn in turns]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": [USER, ANSWER]}, [("user", "q"), ("assistant", "a")]),
        ({"system": "s", "messages": [USER, ANSWER]}, [("system", "s"), ("user", "q"), ("assistant", "a")]),
        (
            {"messages": [{"role": "developer", "content": "s"}, USER, ANSWER]},
            [("system", "s"), ("user", "q"), ("assistant", "a")],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, ANSWER]},
            [("user", "q"), ("assistant", "a")],
        ),
        ({"prompt": "q", "completion": "a"}, [("user", "q"), ("assistant", "a")]),
        ({"prompt": [USER], "completion": [ANSWER]}, [("user", "q"), ("assistant", "a")]),
        ({"instruction": "i", "input": "", "output": "a"}, [("user", "i"), ("assistant", "a")]),
        ({"instruction": "i", "input": "x", "output": "a"}, [("user", "i\n\nx"), ("assistant", "a")]),
        (
            {"instruction": "i", "output": "a", "history": [["q", "b"]], "system": "s"},
            [("system", "s"), ("user", "q"), ("assistant", "b"), ("user", "i"), ("assistant", "a")],
        ),
        (
            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
            [("user", "q"), ("assistant", "a")],
        ),
    ],
)
def test_a_record_becomes_messages(record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(record) == expected


def test_a_seed_task_gives_a_row_per_instance_and_a_bad_one_costs_only_itself() -> None:
    record = {
        "instruction": "i",
        "instances": [
            {"input": "x", "output": "a"},
            {"input": "y", "output": None},
            {"input": "", "output": "b"},
        ],
    }
    assert [turns[0].content for turns in rows(record)] == ["i\n\nx", "i"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": None}, "messages is null"),
        ({"messages": []}, "no messages"),
        ({"messages": [USER]}, "ends with user"),
        ({"messages": [ANSWER]}, "does not follow a question"),
        ({"messages": ["hello"]}, "not an object"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "is null"),
        ({"messages": [USER, {"role": "bot", "content": "a"}]}, "unknown role 'bot'"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "weight"),
        ({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}]}, "tool calls"),
        ({"messages": [USER, ANSWER], "tools": [{"type": "function"}]}, "tool definitions"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]}, "image_url"),
        ({"conversations": [{"from": "function_call", "value": "{}"}]}, "tool calls"),
    ],
)
def test_what_cannot_be_trained_on_faithfully_is_refused_with_a_reason(
    record: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RowProblem, match=reason):
        rows(record)


def test_preference_pairs_and_ratings_have_no_shape_yet() -> None:
    assert shape_of({"prompt": "q", "chosen": "a", "rejected": "b", "completion": "a"}) is None
    assert shape_of({"messages": [USER, ANSWER], "label": True}) is None
