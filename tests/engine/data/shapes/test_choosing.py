"""Which shape a source has, rows of others in it, and what is noted with a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data.importers import Record
from engine.data.shapes import SHAPES, choose_shape, examples_of, is_row
from store.errors import UsageError
from store.records.data import Example, ImportOptions
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import ANSWER, USER, read, reasons, row, rows

CHAT = {"messages": [USER, ANSWER]}
PAIR = {"question": "q", "answer": "a"}


def test_rows_of_another_shape_and_the_same_kind_are_kept() -> None:
    found = read(CHAT, CHAT, PAIR, {"conversations": [USER, ANSWER]}, {"instruction": "q", "output": "a"})
    assert (len(rows(found)), reasons(found)) == (5, [])


def test_rows_of_another_kind_are_dropped_with_what_they_are() -> None:
    found = read(CHAT, CHAT, {"prompt": "q", "chosen": "a", "rejected": "b"}, {"text": "x"}, {"x": 1})
    assert reasons(found) == [
        (3, "is a preference pair (preference) among rows of another kind (chat)"),
        (4, "is plain text (text) among rows of another kind (chat)"),
        (5, "lacks 'messages', which shape chat needs"),
    ]


def test_the_users_word_decides_over_the_keys() -> None:
    found = read({**CHAT, **PAIR}, CHAT, shape="pairs")
    assert [item.messages[0].content for item in rows(found)] == ["q"]
    assert reasons(found) == [(2, "lacks a question's and an answer's column, which shape pairs needs")]


def test_unknown_columns_ask_which_is_what() -> None:
    with pytest.raises(UsageError) as caught:
        read({"utterance": "q", "intent": "a"})
    assert "--map input=utterance --map answer=intent" in caught.value.remedy


def test_what_a_map_notes_stands_with_every_shape_and_outside_the_id() -> None:
    noted = {"annotator": "who", "version": "v", "group": "g"}
    found = row({**CHAT, "who": "kim", "v": 2, "g": None}, map=noted)
    assert found.metadata == {"annotator": "kim", "version": "2"}
    assert found.row == row(CHAT).row


def test_the_file_of_a_folder_is_noted() -> None:
    options = ImportOptions()
    record = Record(1, CHAT, file="a.jsonl")
    (found,) = examples_of(record, choose_shape(Path("x"), options, [CHAT]), options)
    assert isinstance(found, Example)
    assert found.metadata == {"file": "a.jsonl"}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_shape_refuses_an_empty_record_in_words(name: str) -> None:
    ((line, reason),) = reasons(read({"none": 1}, shape=name))
    assert (line, reason) == (1, f"lacks {SHAPES[name].needs}, which shape {name} needs") or name == "tickets"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": [{}]}, True),
        ({"question": "q", "answer": "a"}, True),
        ({"chat": {}}, True),
        ({"data": [{}]}, False),
        ({"items": [{"x": 1}], "version": 2, "total": 1}, False),
        ({"name": "x", "description": "y", "examples": [{}]}, False),
    ],
)
def test_a_lone_object_is_a_row_or_a_wrapper(record: dict[str, object], expected: bool) -> None:
    assert is_row(record) is expected


def test_a_mixed_file_keeps_its_rows_in_order(importing: Importing) -> None:
    lines = [json.dumps(item) for item in (CHAT, PAIR, {"prompt": "q", "completion": "a"}, CHAT)]
    info = importing.text("a.jsonl", "\n".join(lines)).info
    assert (info.shape, info.rows_kept, [drop.line for drop in info.dropped]) == ("chat", 3, [3])


def test_lists_that_are_no_turns_do_not_hide_the_columns() -> None:
    found = read({**PAIR, "items": [{"sku": 1}], "turns": ["one", "two"]})
    assert [item.messages[0].content for item in rows(found)] == ["q"]


def test_a_list_of_questions_is_not_taken_for_a_dialogue() -> None:
    with pytest.raises(UsageError, match="Which column is what"):
        read({"question_id": 1, "turns": ["first question", "second question"]})
