"""A workspace as the current folder, the command line called in this process, no worker left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from app.cli.main import main
from store.records.runs import JobKind
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.stage import Outcome, make_workspace
from tests.workers import kill_all, run_here

Temper = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def own_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests beside this one do not queue behind it."""
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The folder that commands are given in. Workers still alive when the test ends are killed."""
    opened = make_workspace(tmp_path / "wallet")
    monkeypatch.chdir(opened.root)
    yield opened
    kill_all(opened)


@pytest.fixture
def temper(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Temper:
    """`temper("runs", "list")`: the real entry point, errors and exit code included."""

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["temper", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done in this process before they are watched, where no worker is what is tested."""

    def start(
        workspace: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str = ""
    ) -> RunFolder:
        return run_here(workspace, job, params, title, command)

    monkeypatch.setattr("engine.jobs.launch.start", start)
