"""Set-up's own modules lie beside its main, which finds them the same way."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

Program = Callable[[str, str], Path]


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, and no CUDA where its installers put it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.setattr("set_up.machine.CUDA_HOMES", ())
    return folder


@pytest.fixture
def program(bare_path: Path) -> Program:
    """Puts a shell program on the bare PATH: name and body in, its path out."""

    def write(name: str, body: str) -> Path:
        file = bare_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return write
