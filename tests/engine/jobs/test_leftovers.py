"""What killed exports leave: the next one takes up a merge of the same, and clears away the rest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.export.merge import merge, read_record, work_of
from engine.jobs import leftovers
from engine.models.directory import ModelDirectory
from store.locks import FileLock
from store.records.events import Finished
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.export.untrained import adapter_on, llama
from tests.workers import lay_run


class Stage(NamedTuple):
    """A workspace, a base with an adapter, and a dead export in whose folder a merge was cut off."""

    workspace: Workspace
    base: ModelDirectory
    adapter: Path
    dead: RunFolder
    left: Path


class CutOff(Exception):
    """In the place of a kill."""


@pytest.fixture
def stage(workspace: Workspace, tmp_path: Path) -> Stage:
    base = llama(tmp_path / "base", shard_size="40KB")
    adapter = adapter_on(base, tmp_path / "adapter")
    dead = lay_run(workspace, "export-1", [Finished(status="failed")], job="export")
    left = dead.artifacts / f"{leftovers.SCRATCH}export-1"
    left.mkdir(parents=True)
    (left / "native.gguf").write_bytes(b"half")

    def cut(done: int) -> None:
        if done == 2:
            raise CutOff

    with pytest.raises(CutOff):
        merge(ModelDirectory(base), adapter, leftovers.merged_folder(left), cut)
    return Stage(workspace, ModelDirectory(base), adapter, dead, left)


@pytest.fixture
def scratch(workspace: Workspace) -> Path:
    """The folder of the export that runs now."""
    folder = lay_run(workspace, "export-2", [], job="export").artifacts / f"{leftovers.SCRATCH}export-2"
    folder.mkdir()
    return folder


def adopted(stage: Stage, scratch: Path, adapter: Path | None = None) -> int:
    """How many finished shards the running export has taken over."""
    out = scratch.parent
    leftovers.adopt_merge(stage.workspace, stage.base, adapter or stage.adapter, out, scratch)
    record = read_record(work_of(leftovers.merged_folder(scratch)))
    return len(record.shards) if record else 0


def test_a_cut_off_merge_of_the_same_is_taken_over_from_another_run(stage: Stage, scratch: Path) -> None:
    assert adopted(stage, scratch) == 2
    assert not work_of(leftovers.merged_folder(stage.left)).exists()


def test_a_merge_of_another_adapter_is_left_alone(stage: Stage, scratch: Path, tmp_path: Path) -> None:
    other = adapter_on(stage.base.path, tmp_path / "other", seed=8)
    assert adopted(stage, scratch, other) == 0


def test_a_merge_of_an_export_that_lives_is_left_alone(stage: Stage, scratch: Path) -> None:
    lock = FileLock(stage.dead.lock)
    assert lock.acquire()
    with lock:
        assert adopted(stage, scratch) == 0


def test_dead_folders_are_cleared_away_and_the_running_exports_own_is_not(
    stage: Stage, scratch: Path
) -> None:
    moved = scratch.parent / stage.left.name
    shutil.move(stage.left, moved)
    leftovers.remove(stage.workspace, scratch.parent, scratch)
    assert (moved.exists(), scratch.exists()) == (False, True)
