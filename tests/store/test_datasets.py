"""Versions of a dataset on disk: written whole, found by what people type, read back as they were."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from store import datasets, example_table
from store.datasets import Reference
from store.errors import BusyError, TemperError, UsageError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example, Message

CREATED = "2026-01-31T10:00:00.000Z"


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path)


def example(n: int, split: str = "train") -> Example:
    return Example(f"row{n}", n, [Message("user", f"q{n} é"), Message("assistant", f"a{n}")], split)


def publish(paths: WorkspacePaths, name: str, rows: list[Example]) -> DatasetInfo:
    def write(folder: Path, version: int) -> DatasetInfo:
        with example_table.Writer(folder / datasets.ROWS) as writer:
            for row in rows:
                writer.add(row)
        splits = {split: sum(row.split == split for row in rows) for split in ("train", "heldout")}
        return DatasetInfo(
            name,
            version,
            "chat",
            "a.csv",
            "aa",
            "bb",
            "2026-01-31T10:00:00.000Z",
            len(rows),
            len(rows),
            splits,
        )

    with datasets.editing(paths, name):
        return datasets.publish(paths, name, write)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("chats", Reference("chats")),
        ("chats@2", Reference("chats", 2)),
        ("chats@v2", Reference("chats", 2)),
        ("chats/heldout", Reference("chats", None, "heldout")),
        ("chats@12/all", Reference("chats", 12, "all")),
    ],
)
def test_a_reference_has_name_version_and_split(text: str, parts: Reference) -> None:
    assert datasets.parse_reference(text) == parts


@pytest.mark.parametrize("text", ["", "@2", "chats@", "chats@new", "a/b/c", "../up", ".hidden", "two words"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no dataset"):
        datasets.parse_reference(text)


def test_rows_come_back_as_they_were_written(paths: WorkspacePaths) -> None:
    rows = [example(n) for n in range(example_table.BATCH + 3)]
    publish(paths, "chats", rows)
    assert datasets.read_rows(paths, "chats") == rows


def test_the_newest_version_and_the_train_split_are_meant_when_left_out(paths: WorkspacePaths) -> None:
    publish(paths, "chats", [example(1)])
    publish(paths, "chats", [example(2), example(3, "heldout")])
    assert [row.row for row in datasets.read_rows(paths, "chats")] == ["row2"]
    assert [row.row for row in datasets.read_rows(paths, "chats@1")] == ["row1"]
    assert [row.row for row in datasets.read_rows(paths, "chats/heldout")] == ["row3"]
    assert [row.row for row in datasets.read_rows(paths, "chats/all")] == ["row2", "row3"]


def test_version_ten_comes_after_version_nine(paths: WorkspacePaths) -> None:
    for _ in range(10):
        publish(paths, "chats", [example(1)])
    assert datasets.versions(paths, "chats")[-2:] == [9, 10]
    assert datasets.load_info(paths, "chats").version == 10


def test_a_name_nobody_knows_comes_with_the_nearest(paths: WorkspacePaths) -> None:
    publish(paths, "chats", [example(1)])
    with pytest.raises(UsageError, match="Did you mean 'chats'"):
        datasets.load_info(paths, "chat")


def test_a_version_that_is_not_there_comes_with_those_that_are(paths: WorkspacePaths) -> None:
    publish(paths, "chats", [example(1)])
    with pytest.raises(UsageError, match="no version 7"):
        datasets.read_rows(paths, "chats@7")


def test_a_split_that_is_not_there_comes_with_those_that_are(paths: WorkspacePaths) -> None:
    publish(paths, "chats", [example(1)])
    with pytest.raises(UsageError, match="train, heldout"):
        datasets.read_rows(paths, "chats/test")


def test_a_version_whose_writing_fails_never_was(paths: WorkspacePaths) -> None:
    publish(paths, "chats", [example(1)])

    def fail(folder: Path, version: int) -> DatasetInfo:
        (folder / datasets.ROWS).touch()
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"), datasets.editing(paths, "chats"):
        datasets.publish(paths, "chats", fail)
    assert datasets.versions(paths, "chats") == [1]
    assert datasets.names(paths) == ["chats"]


@pytest.mark.parametrize("file", [datasets.ROWS, datasets.INFO])
def test_a_damaged_version_says_how_to_get_it_back(paths: WorkspacePaths, file: str) -> None:
    publish(paths, "chats", [example(1)])
    (datasets.version_folder(paths, "chats", 1) / file).write_bytes(b"damaged")
    with pytest.raises(TemperError, match="damaged") as refused:
        datasets.read_rows(paths, "chats")
    assert "import the source again" in refused.value.remedy


def test_a_dataset_that_is_being_imported_is_busy(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "LOCK_SECONDS", 0.05)
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with datasets.editing(paths, "chats"):
            inside.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait()
    try:
        with pytest.raises(BusyError), datasets.editing(paths, "chats"):
            pass
        with datasets.editing(paths, "others"):
            pass
    finally:
        done.set()
        holder.join()
