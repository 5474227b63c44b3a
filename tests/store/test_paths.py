"""Where things lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store import paths


def test_a_workspace_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    (tmp_path / "temper.toml").touch()
    inside = tmp_path / "data" / "deep"
    inside.mkdir(parents=True)
    assert paths.find_workspace(inside) == tmp_path


def test_the_nearest_workspace_counts(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for folder in (tmp_path, inner):
        (folder / "temper.toml").touch()
    assert paths.find_workspace(inner) == inner


def test_a_folder_outside_any_workspace_has_none(tmp_path: Path) -> None:
    (tmp_path / "temper.toml").mkdir()  # a folder of that name is no settings file
    assert paths.find_workspace(tmp_path) is None


def test_the_runtime_folder_is_the_chosen_one_then_the_sessions_then_a_temporary_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", "/chosen")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/session")
    assert paths.runtime_dir() == Path("/chosen")
    monkeypatch.delenv("TEMPER_RUNTIME_DIR")
    assert paths.runtime_dir() == Path("/session/temper")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert paths.runtime_dir().name == f"temper-{os.getuid()}"
