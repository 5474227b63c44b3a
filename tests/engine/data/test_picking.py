"""Rows as people ask for them: by id, by the beginning of one, by line, or the first ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.picking import pick_rows
from store import clock, datasets
from store.errors import UsageError
from store.example_table import Writer
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example, Message

ROWS = [
    Example(row, line, [Message("user", row), Message("assistant", "yes")], split)
    for row, line, split in [("aa01", 1, "train"), ("aa0", 2, "train"), ("bb01", 5, "heldout")]
]


@pytest.fixture
def laid(paths: WorkspacePaths) -> WorkspacePaths:
    def write(folder: Path, version: int) -> DatasetInfo:
        with Writer(folder / datasets.ROWS) as writer:
            for example in ROWS:
                writer.add(example)
        splits = {"train": 2, "heldout": 1}
        return DatasetInfo("d", version, "chat", "d.jsonl", "0", "1", clock.stamp(), 3, 3, splits)

    with datasets.editing(paths, "d"):
        datasets.publish(paths, "d", write)
    return paths


def picked(
    paths: WorkspacePaths, reference: str = "d", row: str = "", line: int = 0, count: int = 1
) -> list[str]:
    return [example.row for example in pick_rows(paths, reference, row=row, line=line, count=count)]


def test_the_first_rows_are_those_of_the_train_split(laid: WorkspacePaths) -> None:
    assert picked(laid, count=5) == ["aa01", "aa0"]
    assert picked(laid, "d/heldout") == ["bb01"]


def test_a_row_is_found_in_any_split_by_its_id_or_the_beginning_of_it(laid: WorkspacePaths) -> None:
    assert picked(laid, row="bb") == ["bb01"]
    assert picked(laid, row="aa01") == ["aa01"]


def test_an_id_that_others_begin_with_is_still_an_id(laid: WorkspacePaths) -> None:
    assert picked(laid, row="aa0") == ["aa0"]


def test_a_line_is_that_of_the_source(laid: WorkspacePaths) -> None:
    assert picked(laid, line=5) == ["bb01"]


def test_a_beginning_that_several_ids_have_is_refused_with_them(laid: WorkspacePaths) -> None:
    with pytest.raises(UsageError, match="2 rows begin with a") as caught:
        pick_rows(laid, "d", row="a")
    assert "aa01, aa0" in caught.value.happened


@pytest.mark.parametrize(("row", "line"), [("zz", 0), ("", 3)])
def test_what_is_not_there_is_said(laid: WorkspacePaths, row: str, line: int) -> None:
    with pytest.raises(UsageError, match="d has no"):
        pick_rows(laid, "d", row=row, line=line)


def test_a_split_that_is_named_is_the_only_one_looked_in(laid: WorkspacePaths) -> None:
    with pytest.raises(UsageError, match="has no row bb01"):
        pick_rows(laid, "d/train", row="bb01")
