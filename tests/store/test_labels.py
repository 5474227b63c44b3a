"""Human decisions are kept, in order, whatever happens to the file's end."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from store import labels
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.labels import Label


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path)


def vote(target: str, value: str = "up") -> Label:
    return Label("vote", target, value)


def test_a_decision_is_kept_with_who_and_when(paths: WorkspacePaths) -> None:
    written = labels.append(paths, vote("t1"))
    assert labels.read(paths, "vote") == [written]
    assert written.by
    assert written.time.endswith("Z")


def test_who_and_when_are_kept_as_given(paths: WorkspacePaths) -> None:
    given = Label("vote", "t1", "up", by="ada", time="2026-01-31T10:00:00.000Z")
    assert labels.append(paths, given) == given


def test_the_last_decision_on_a_target_holds(paths: WorkspacePaths) -> None:
    for label in (vote("t1"), vote("t2"), vote("t1", "down")):
        labels.append(paths, label)
    holding = labels.latest(labels.read(paths, "vote"))
    assert {target: label.value for target, label in holding.items()} == {"t1": "down", "t2": "up"}


def test_kinds_have_files_of_their_own(paths: WorkspacePaths) -> None:
    labels.append(paths, vote("t1"))
    assert labels.read(paths, "category") == []
    assert labels.label_file(paths, "vote") == paths.labels / "vote.jsonl"


def test_a_torn_last_line_is_passed_over_and_cut_by_the_next(paths: WorkspacePaths) -> None:
    labels.append(paths, vote("t1"))
    with labels.label_file(paths, "vote").open("ab") as file:
        file.write(b'{"kind":"vote","tar')
    assert [label.target for label in labels.read(paths, "vote")] == ["t1"]
    labels.append(paths, vote("t2"))
    assert [label.target for label in labels.read(paths, "vote")] == ["t1", "t2"]


def test_a_last_line_whose_newline_an_editor_left_off_is_kept(paths: WorkspacePaths) -> None:
    labels.append(paths, vote("t1"))
    file = labels.label_file(paths, "vote")
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    labels.append(paths, vote("t2"))
    assert [label.target for label in labels.read(paths, "vote")] == ["t1", "t2"]


def test_a_damaged_line_is_named_and_not_dropped_in_silence(paths: WorkspacePaths) -> None:
    labels.append(paths, vote("t1"))
    file = labels.label_file(paths, "vote")
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    with pytest.raises(UsageError, match="line 1"):
        labels.read(paths, "vote")


def append_many(root: Path, name: str, count: int) -> None:
    for n in range(count):
        labels.append(WorkspacePaths(root), vote(f"{name}{n}"))


def test_processes_that_decide_at_once_lose_nothing(paths: WorkspacePaths) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_many, args=(paths.root, name, 20)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({label.target for label in labels.read(paths, "vote")}) == 40


def test_of_two_branches_the_later_decision_holds_whatever_order_a_merge_made() -> None:
    late = Label("category", "c1", "tone", "ida", "2026-01-31T12:00:00.000Z")
    early = Label("category", "c1", "format", "otto", "2026-01-31T10:00:00.000Z")

    assert labels.latest([late, early])["c1"].value == "tone"
