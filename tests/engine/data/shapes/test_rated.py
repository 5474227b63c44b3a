"""Rated answers: any row with a label that says good or bad."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.data.shapes.rated import rating_of
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import ANSWER, USER, read, reasons, row, rows, said


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "q", "completion": "a", "label": False},
        {"prompt": [USER], "completion": [ANSWER], "label": 0},
        {"prompt": "q", "response": "a", "label": "bad"},
        {"messages": [USER, ANSWER], "label": "false"},
        {"conversations": [USER, ANSWER], "kto_tag": False},
        {"instruction": "q", "input": "", "output": "a", "kto_tag": "false"},
        {"question": "q", "answer": "a", "thumbs_up": False},
        {"question": "q", "answer": "a", "label": False, "items": [{"sku": 1}]},
        {"question": "q", "answer": "a", "feedback": "thumbs down"},
    ],
)
def test_every_form_gives_one_answer_and_its_label(record: dict[str, Any]) -> None:
    found = row(record)
    assert (said(found.messages), found.label) == ([("user", "q"), ("assistant", "a")], False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (1, True),
        (0.0, False),
        (-1, False),
        ("TRUE", True),
        ("Good", True),
        ("thumbs-down", False),
        ("👍", True),
        ("👎🏽", False),
        ("+1", True),
        ("-1", False),
        (2, None),
        ("refund", None),
        (None, None),
        ([True], None),
        (float("nan"), None),
    ],
)
def test_a_label_says_good_bad_or_neither(value: Any, expected: bool | None) -> None:
    assert rating_of(value) is expected


def test_an_answer_without_its_label_is_not_taken_for_a_good_one() -> None:
    rated = {"messages": [USER, ANSWER], "label": True}
    found = read(rated, rated, {"messages": [USER, ANSWER], "label": None})
    assert len(rows(found)) == 2
    assert reasons(found) == [(3, "is a conversation (chat) among rows of another kind (unpaired)")]


def test_a_rated_answer_among_chats_is_left_out() -> None:
    chat = {"messages": [USER, ANSWER]}
    found = read(chat, chat, {**chat, "label": False})
    assert reasons(found) == [(3, "is a rated answer (unpaired) among rows of another kind (chat)")]


def test_a_column_map_makes_rated_answers() -> None:
    names = {"input": "x", "answer": "y", "label": "z"}
    found = read({"x": "q", "y": "a", "z": "up"}, {"x": "q", "y": "a", "z": "?"}, map=names)
    assert [item.label for item in rows(found)] == [True]
    assert reasons(found) == [(2, "the label '?' says neither good nor bad")]


def test_kto_rows_of_a_trainer_are_imported(importing: Importing, shared_data: Path) -> None:
    info = importing.file(shared_data / "preference" / "llama_factory" / "kto_en_demo.json").info
    assert (info.kind, info.shape, info.rows_kept) == ("unpaired_preference", "unpaired", 300)
    assert set(Counter(row.label for row in importing.rows())) == {True, False}
