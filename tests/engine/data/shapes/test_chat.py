"""Conversations as lists of turns, in OpenAI's and ShareGPT's keys and under any role names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.data.shapes.reading import ANSWER, USER, read, reason, row, said

PLAIN = [("user", "q"), ("assistant", "a")]
TEXT_PART = {"type": "text", "text": "q"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": [USER, ANSWER]}, PLAIN),
        ({"system": "s", "messages": [USER, ANSWER]}, [("system", "s"), *PLAIN]),
        ({"messages": [{"role": "developer", "content": "s"}, USER, ANSWER]}, [("system", "s"), *PLAIN]),
        ({"messages": [{"role": "user", "content": [TEXT_PART]}, ANSWER]}, PLAIN),
        ({"messages": '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]'}, PLAIN),
        ({"messages": [USER, {"role": "assistant", "content": None, "refusal": "a"}]}, PLAIN),
        ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, PLAIN),
        ({"conversations": [{"from": "user", "value": "q"}, {"from": "chatgpt", "value": "a"}]}, PLAIN),
        ({"conversations": [{"from": "Human", "value": "q"}, {"from": "Bing", "value": "a"}]}, PLAIN),
        ({"conversations": [USER, ANSWER]}, PLAIN),
        ({"items": [{"from": "human", "value": "q"}, {"from": "bard", "value": "a"}]}, PLAIN),
        ({"conversation": [{"human": "q", "assistant": "a"}]}, PLAIN),
        ({"conversation": [{"system": "s", "input": "q", "output": "a"}]}, [("system", "s"), *PLAIN]),
        ({"dialogue": [{"speaker": "Customer", "text": "q"}, {"speaker": "Agent", "text": "a"}]}, PLAIN),
        ({"dialog": ["q", "a"]}, PLAIN),
        ({"messages": [USER, USER, ANSWER]}, [("user", "q"), *PLAIN]),
        ({"messages": [ANSWER, USER, ANSWER]}, [("assistant", "a"), *PLAIN]),
        ({"messages": [USER, ANSWER, ANSWER]}, [*PLAIN, ("assistant", "a")]),
    ],
)
def test_a_record_becomes_turns(record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(row(record).messages) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": None}, "messages is null"),
        ({"messages": {}}, "messages is not a list but a object"),
        ({"messages": "hello"}, "messages is not a list but a text"),
        ({"messages": []}, "no messages"),
        ({"messages": [USER]}, "ends with user: there is no answer to learn"),
        ({"messages": [ANSWER]}, "the answer does not follow a question"),
        ({"messages": [{"role": "user", "content": " "}, ANSWER]}, "the question is empty"),
        ({"messages": [USER, {"role": "assistant", "content": ""}]}, "the answer is empty"),
        ({"messages": ["hello"]}, "a message is not an object"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "the content of a message is null"),
        ({"messages": [USER, {"role": "assistant", "content": 7}]}, "not text but a int"),
        ({"messages": [{"content": "q"}, ANSWER]}, "a message has no role"),
        ({"messages": [{"role": 1, "content": "q"}, ANSWER]}, "a role is 1, not a name"),
        ({"messages": [USER, {"role": "narrator", "content": "a"}]}, "--role narrator=user"),
        ({"messages": [{**USER, "content": "\0"}, ANSWER]}, "contains a NUL character"),
        ({"messages": [{**USER, "content": "\ud800"}, ANSWER]}, "half a character"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "weight 0.5"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]}, "holds image_url"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}, ANSWER]}, "holds input_audio"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}, ANSWER]}, "holds file"),
        ({"messages": [{**USER, "images": ["x.png"]}, ANSWER]}, "holds images"),
        ({"messages": [USER, ANSWER], "images": ["x.png"]}, "holds images"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_a_reason(record: dict[str, Any], expected: str) -> None:
    assert expected in reason(record)


def test_a_role_name_means_what_the_user_says() -> None:
    record = {"messages": [{"role": "Kim", "content": "q"}, {"role": "user", "content": "a"}]}
    roles = {"Kim": "user", "user": "assistant"}
    assert said(row(record, roles=roles).messages) == PLAIN


def test_turns_of_an_ignored_role_are_left_out() -> None:
    record = {"messages": [USER, {"role": "narrator", "content": "x"}, ANSWER]}
    assert said(row(record, roles={"narrator": "ignore"}).messages) == PLAIN


@pytest.mark.parametrize("key", ["weight", "train"])
def test_an_answer_of_weight_0_is_context(key: str) -> None:
    turns = row({"messages": [USER, {**ANSWER, key: 0}, USER, {**ANSWER, key: 1}]}).messages
    assert [turn.weight for turn in turns] == [1, 0, 1, 1]


def test_a_label_of_many_classes_does_not_make_a_chat_a_rated_answer() -> None:
    records = [{"messages": [USER, ANSWER], "label": label} for label in (0, 1, 2)]
    assert [item for item in read(*records) if item.__class__.__name__ == "Dropped"] == []
