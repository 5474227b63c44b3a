"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from store import atomic
from store.errors import TemperError


def fail_with(code: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_written_file_has_its_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    atomic.write_bytes(path, b"content", 0o600)
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, step, fail_with(errno.EIO))
    with pytest.raises(TemperError, match="could not be written"):
        atomic.write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_says_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(errno.ENOSPC))
    with pytest.raises(TemperError, match="disk is full") as full:
        atomic.write_text(tmp_path / "file", "new")
    assert "MB are free" in full.value.happened


def test_a_folder_appears_when_its_block_ends_well(tmp_path: Path) -> None:
    with atomic.new_directory(tmp_path / "made") as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "made").exists()
    assert (tmp_path / "made" / "file").read_text() == "x"
    assert os.listdir(tmp_path) == ["made"]


def test_a_folder_replaces_the_one_before(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with atomic.new_directory(tmp_path / "made") as folder:
            (folder / content).touch()
    assert os.listdir(tmp_path / "made") == ["new"]
    assert os.listdir(tmp_path) == ["made"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_vanishes_when_its_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic.new_directory(tmp_path / "made"):
        raise error
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_while_a_folder_is_made_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(TemperError, match="disk is full"), atomic.new_directory(tmp_path / "made"):
        raise OSError(errno.ENOSPC, "full")
    assert os.listdir(tmp_path) == []
