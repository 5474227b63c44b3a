"""The right to a device, and what those who wait are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.leases import DeviceLease


def test_those_who_wait_see_who_holds_the_device(tmp_path: Path) -> None:
    mine, theirs = DeviceLease("cpu", tmp_path), DeviceLease("cpu", tmp_path)
    assert mine.acquire(42, "train-1", "/a/workspace")
    assert not theirs.acquire(43, "train-2")
    holder = theirs.holder()
    assert holder is not None
    assert (holder.pid, holder.what, holder.workspace) == (42, "train-1", "/a/workspace")


def test_a_device_given_back_has_no_holder(tmp_path: Path) -> None:
    lease = DeviceLease("cpu", tmp_path)
    lease.acquire(42, "train-1")
    lease.release()
    assert lease.holder() is None
    assert not lease.held


def test_a_holder_whose_note_cannot_be_read_is_not_made_up(tmp_path: Path) -> None:
    lease = DeviceLease("cpu", tmp_path)
    lease.acquire(42, "train-1")
    lease.path.write_bytes(b"not json")
    assert DeviceLease("cpu", tmp_path).holder() is None


def test_devices_do_not_wait_for_each_other(tmp_path: Path) -> None:
    assert DeviceLease("GPU-1/a", tmp_path).acquire(1, "a")
    assert DeviceLease("GPU-1 b", tmp_path).acquire(2, "b")


def test_leases_lie_in_the_users_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "run"))
    lease = DeviceLease("cpu")
    assert lease.acquire(1, "a")
    assert lease.path.parent == tmp_path / "run"
    assert lease.path.parent.stat().st_mode & 0o777 == 0o700
