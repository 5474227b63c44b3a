"""Ids of rows: those of plain rows never change, and nothing but content makes one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from engine.data.examples import checked, content_hash
from engine.data.problems import RowProblem
from store.records.data import Example, Message, ToolCall

TURNS = [Message("system", "s"), Message("user", "Wo? é"), Message("assistant", "a")]
PLAIN = Example("", 1, TURNS)


def changed(**parts: Any) -> Example:
    return msgspec.structs.replace(PLAIN, **parts)


def test_a_plain_row_is_hashed_as_the_list_of_its_roles_and_texts() -> None:
    text = json.dumps([[turn.role, turn.content] for turn in TURNS], ensure_ascii=False)
    assert content_hash(PLAIN) == hashlib.sha256(text.encode()).hexdigest()[:16] == "672b7229894f236b"


@pytest.mark.parametrize(
    "parts",
    [
        {"tools": "[]"},
        {"label": True},
        {"label": False},
        {"text": "t"},
        {"rejected": [Message("assistant", "b")], "prompt_turns": 2},
        {"messages": [*TURNS[:2], Message("assistant", "a", weight=0)]},
        {"messages": [*TURNS[:2], Message("assistant", "a", tool_calls=[ToolCall("f", "{}")])]},
        {"messages": [*TURNS[:1], Message("tool", "Wo? é", name="f"), TURNS[2]]},
    ],
)
def test_whatever_else_a_row_holds_makes_another_id(parts: dict[str, Any]) -> None:
    assert content_hash(changed(**parts)) != content_hash(PLAIN)


@pytest.mark.parametrize(
    "parts", [{"metadata": {"time": "now"}}, {"split": "heldout"}, {"line": 9}, {"row": "x"}]
)
def test_where_a_row_stands_makes_no_other_id(parts: dict[str, Any]) -> None:
    assert content_hash(changed(**parts)) == content_hash(PLAIN)


def test_ids_of_calls_are_made_up_by_each_export_and_count_for_nothing() -> None:
    first, second = (
        changed(messages=[TURNS[1], Message("assistant", "", [ToolCall("f", "{}", name)])]) for name in "ab"
    )
    assert content_hash(first) == content_hash(second)


def test_a_sound_row_passes_as_it_is() -> None:
    assert checked(PLAIN) is PLAIN


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"tools": "\ud800"}, "half a character"),
        ({"metadata": {"time": "\udc00"}}, "half a character"),
        ({"messages": [TURNS[1], Message("assistant", "", [ToolCall("f", '"\0"')])]}, "NUL"),
        ({"messages": [TURNS[0], TURNS[2]]}, "does not follow a question"),
        ({"messages": [*TURNS, Message("tool", "x")]}, "ends with tool"),
    ],
)
def test_what_cannot_be_stored_or_trained_on_is_refused(parts: dict[str, Any], expected: str) -> None:
    with pytest.raises(RowProblem, match=expected):
        checked(changed(**parts))
