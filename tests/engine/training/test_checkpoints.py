"""Checkpoints on disk: whole or not there, verified before they are used, few of them kept."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engine.training.checkpoints import WRITING, Checkpoints, DamagedError, MemoryPlan, newest, verify
from store.errors import TemperError
from tests.bases import RECIPE

PLAN = MemoryPlan(4, 2)


def draft(store: Checkpoints, step: int) -> Path:
    """What a trainer has written before the checkpoint gets its name."""
    folder = store.writing / f"checkpoint-{step}"
    (folder / "inner").mkdir(parents=True)
    (folder / "optimizer.pt").write_bytes(b"state of " + str(step).encode())
    (folder / "inner" / "weights").write_bytes(b"weights")
    (folder / "training_args.bin").write_bytes(b"a pickle")
    return folder


def put(store: Checkpoints, step: int, loss: float | None = None) -> Path:
    draft(store, step)
    return store.publish(step, PLAN, step * PLAN.step_rows, loss)


@pytest.fixture
def store(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", RECIPE, {"rows": "abc"})


def names(store: Checkpoints) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir() if path.name != WRITING)


def test_a_manifest_says_where_the_run_was_and_on_what(store: Checkpoints) -> None:
    manifest = verify(put(store, 6, 0.5))
    assert (manifest.step, manifest.examples, manifest.heldout_loss) == (6, 48, 0.5)
    assert (manifest.plan, manifest.recipe, manifest.inputs) == (PLAN, RECIPE, {"rows": "abc"})
    assert sorted(manifest.files) == ["inner/weights", "optimizer.pt"]


def test_the_trainers_pickled_arguments_are_not_kept(store: Checkpoints) -> None:
    assert list(put(store, 1).rglob("training_args.bin")) == []


def test_the_newest_is_found(store: Checkpoints) -> None:
    for step in (9, 10):
        put(store, step)
    found, passed = newest(store.folder)
    assert found is not None
    assert (found.manifest.step, passed) == (10, [])


def test_what_is_still_being_written_is_no_checkpoint(store: Checkpoints) -> None:
    draft(store, 3)
    assert newest(store.folder) == (None, [])
    store.clear()
    assert not store.writing.exists()


@pytest.mark.parametrize("harm", ["cut", "changed", "missing", "more", "no manifest", "torn manifest"])
def test_one_that_is_not_as_it_was_written_is_passed_over_for_the_one_before(
    harm: str, store: Checkpoints
) -> None:
    put(store, 2)
    path = put(store, 4)
    match harm:
        case "cut":
            (path / "optimizer.pt").write_bytes(b"state")
        case "changed":
            (path / "optimizer.pt").write_bytes(b"state of 5")
        case "missing":
            (path / "inner" / "weights").unlink()
        case "more":
            (path / "scaler.pt").write_bytes(b"from elsewhere")
        case "no manifest":
            (path / "manifest.json").unlink()
        case "torn manifest":
            (path / "manifest.json").write_bytes((path / "manifest.json").read_bytes()[:40])
    found, passed = newest(store.folder)
    assert found is not None
    assert found.manifest.step == 2
    assert [sentence.partition(":")[0] for sentence in passed] == ["checkpoint-4"]


def test_where_all_are_damaged_there_is_none(store: Checkpoints) -> None:
    (put(store, 2) / "manifest.json").unlink()
    found, passed = newest(store.folder)
    assert (found, len(passed)) == (None, 1)


def test_the_newest_two_stay(store: Checkpoints) -> None:
    for step in (2, 4, 6, 8):
        put(store, step)
    assert names(store) == ["checkpoint-6", "checkpoint-8"]


def test_the_best_stays_too(store: Checkpoints) -> None:
    for step, loss in ((2, 0.9), (4, 0.5), (6, 0.7), (8, None), (10, 0.5)):
        put(store, step, loss)
    assert names(store) == ["checkpoint-10", "checkpoint-4", "checkpoint-8"]


def test_one_of_the_same_step_is_replaced(store: Checkpoints) -> None:
    (put(store, 2) / "optimizer.pt").write_bytes(b"damaged")
    assert verify(put(store, 2)).step == 2
    assert names(store) == ["checkpoint-2"]


def test_those_set_aside_are_kept_and_not_gone_on_from(store: Checkpoints) -> None:
    for step in (2, 4):
        put(store, step)
    store.set_aside(4)
    found, _ = newest(store.folder)
    assert found is not None
    assert found.manifest.step == 2
    assert names(store) == ["aside-4", "checkpoint-2"]


def test_a_disk_that_is_full_leaves_the_ones_before(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, 2)

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    draft(store, 4)
    monkeypatch.setattr("store.atomic.sync_file", full)
    with pytest.raises(TemperError, match="The disk is full"):
        store.publish(4, PLAN, 32)
    assert names(store) == ["checkpoint-2"]


def test_a_file_that_points_elsewhere_is_hashed_as_what_it_holds(store: Checkpoints, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"first")
    (draft(store, 2) / "link").symlink_to(outside)
    path = store.publish(2, PLAN, 16)
    outside.write_bytes(b"other")
    with pytest.raises(DamagedError, match="link is not as it was written"):
        verify(path)
