"""Rows by their place, and the places of a text: over the borders of row groups, in every part of a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import example_table
from store.errors import TemperError
from store.example_pages import ExamplePages
from store.records.data import Example, Message, ToolCall


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten rows in groups of four."""
    monkeypatch.setattr(example_table, "BATCH", 4)
    path = tmp_path / "rows.parquet"
    with example_table.Writer(path) as writer:
        for number in range(10):
            writer.add(row(number, [Message("user", f"Question {number}"), Message("assistant", "yes")]))
    return path


def row(number: int, turns: list[Message], **more: object) -> Example:
    """A row with an id, a line and a split from its number."""
    return Example(f"r{number}", number + 1, turns, "heldout" if number == 9 else "train", **more)  # type: ignore[arg-type]  # fields by name


def pages_of(path: Path, *rows: Example) -> ExamplePages:
    """A file of these rows."""
    with example_table.Writer(path) as writer:
        for one in rows:
            writer.add(one)
    return ExamplePages(path)


def test_names_of_all_rows_come_in_the_order_of_the_source(written: Path) -> None:
    keys = ExamplePages(written).keys()
    assert keys.rows == [f"r{number}" for number in range(10)]
    assert keys.lines == list(range(1, 11))
    assert keys.splits == ["train"] * 9 + ["heldout"]


def test_rows_are_read_by_place_in_the_order_asked_for(written: Path) -> None:
    pages = ExamplePages(written)
    assert len(pages) == 10
    assert [one.row for one in pages.read([9, 0, 4, 3])] == ["r9", "r0", "r4", "r3"]


def test_a_row_is_whole(tmp_path: Path) -> None:
    turns = [
        Message("user", "Weather?"),
        Message("assistant", "", [ToolCall("weather", '{"city": "Kyiv"}', "c1")]),
        Message("tool", "rain", tool_call_id="c1"),
        Message("assistant", "Rain."),
    ]
    whole = row(0, turns, tools="[]", metadata={"annotator": "ann"})
    assert pages_of(tmp_path / "rows.parquet", whole).read([0]) == [whole]


def test_a_text_is_found_whatever_its_case_and_in_every_group(written: Path) -> None:
    pages = ExamplePages(written)
    assert pages.search("qUESTION 7") == [7]
    assert pages.search("question") == list(range(10))
    assert pages.search("no such text") == []


def test_a_text_is_not_a_pattern(tmp_path: Path) -> None:
    pages = pages_of(
        tmp_path / "rows.parquet", row(0, [Message("user", "a.c")]), row(1, [Message("user", "abc")])
    )
    assert pages.search("a.c") == [0]


def test_a_text_is_found_in_tool_calls_rejected_endings_and_plain_texts(tmp_path: Path) -> None:
    calling = [Message("user", "q"), Message("assistant", "", [ToolCall("f", '{"city": "Kyiv"}')])]
    rows = [
        row(0, calling),
        row(1, [Message("user", "q"), Message("assistant", "a")], rejected=[Message("assistant", "kyiv")]),
        row(2, [], text="From Kyiv."),
        row(3, [Message("user", "q"), Message("assistant", "a")]),
    ]
    assert pages_of(tmp_path / "rows.parquet", *rows).search("Kyiv") == [0, 1, 2]


def test_a_search_that_is_stopped_ends_with_what_it_has(written: Path) -> None:
    answers = iter([False, True])
    assert ExamplePages(written).search("question", lambda: next(answers)) == [0, 1, 2, 3]


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(TemperError, match="damaged"):
        ExamplePages(path)
