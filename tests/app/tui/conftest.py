"""A workspace in an own home, a clock that stands, no lease of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.workspace import Workspace
from tests.app.tui.evals_stage import lay_eval
from tests.app.tui.stage import Clock, make_workspace


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Paths, leases and times of day are the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("TEMPER_DEBUG", raising=False)
    time.tzset()
    yield home
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The product's clock, standing at noon."""
    standing = Clock()
    monkeypatch.setattr("store.clock.now", standing.now)
    return standing


@pytest.fixture
def workspace(own_home: Path) -> Workspace:
    """`~/wallet-support`."""
    return make_workspace(own_home / "wallet-support")


@pytest.fixture
def evaluated(workspace: Workspace, clock: Clock) -> Workspace:
    """`base` got two of six right, `tuned` later all but one, which `base` had."""
    lay_eval(workspace, "eval-1", {"base": "x....x"})
    clock.move(600)
    lay_eval(workspace, "eval-2", {"tuned": ".xxxxx"})
    return workspace
