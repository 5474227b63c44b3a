"""Starting a run: the handshake, and what is said when no worker answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine.jobs import launch
from store import clock, runs
from store.errors import TemperError
from store.records.events import Started
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import events_of, pid_of, play, wait_until


def folder_of(workspace: Workspace) -> RunFolder:
    """A run that was asked for and not started."""
    spec = RunSpec("scripted-1", "scripted", clock.stamp(), str(workspace.root))
    return runs.create(workspace.paths.runs, spec)


def process_in(folder: RunFolder, code: str) -> subprocess.Popen[bytes]:
    """A process in place of the worker, its words in the run's log."""
    with folder.log.open("ab") as log:
        return subprocess.Popen([sys.executable, "-I", "-c", code], stdout=log, stderr=log)


def test_a_run_is_started_once_its_worker_has_said_so(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    (started,) = events_of(folder, Started)
    assert isinstance(started, Started)
    assert (started.run_id, started.seq) == (folder.run_id, 1)
    assert runs.view(folder).state in ("waiting", "running")


def test_the_spec_says_what_was_asked(workspace: Workspace) -> None:
    spec = play(workspace, [{"kind": "notice", "title": "hello"}]).spec()
    assert spec.params["events"] == [{"kind": "notice", "title": "hello"}]
    assert (spec.job, spec.workspace, spec.title) == ("scripted", str(workspace.root), "a script")


def test_a_worker_has_a_session_of_its_own_so_no_terminal_takes_it_along(workspace: Workspace) -> None:
    pid = pid_of(play(workspace, hold=True))
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_worker_that_ends_before_its_first_word_is_an_error_with_the_end_of_its_log(
    workspace: Workspace,
) -> None:
    folder = folder_of(workspace)
    with pytest.raises(TemperError, match="did not start") as refused:
        launch.await_start(folder, process_in(folder, "raise SystemExit('no torch on board')"))
    assert "no torch on board" in refused.value.happened
    assert str(folder.log) in refused.value.remedy


def test_a_worker_that_says_nothing_is_ended_so_that_it_cannot_begin_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "HANDSHAKE_SECONDS", 0.1)
    folder = folder_of(workspace)
    process = process_in(folder, "import threading; threading.Event().wait()")
    with pytest.raises(TemperError, match="did not start"):
        launch.await_start(folder, process)
    assert process.wait(timeout=30) == -signal.SIGKILL


def test_a_worker_that_ends_right_after_its_first_word_has_started(workspace: Workspace) -> None:
    folder = folder_of(workspace)
    line = '{"kind": "started", "run_id": "scripted-1", "seq": 1, "time": "2026-01-31T10:00:00.000Z"}'
    process = process_in(folder, f"open({str(folder.events)!r}, 'w').write('{line}\\n')")
    process.wait(timeout=30)
    launch.await_start(folder, process)


def test_two_runs_never_share_a_worker(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    second = launch.spawn(folder)
    assert second.wait(timeout=60) == 1
    assert "another worker already runs" in folder.log_tail()
    assert len(events_of(folder, Started)) == 1


def test_who_began_a_run_knows_which_signal_ended_it(workspace: Workspace) -> None:
    folder, other = play(workspace, hold=True), play(workspace, [])
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until(lambda: runs.view(folder).state == "died")
    wait_until(lambda: runs.view(other).state == "finished")

    assert launch.killed_by(folder.run_id) == "SIGKILL"
    assert launch.killed_by(other.run_id) == launch.killed_by("scripted-of-another") == ""


def test_a_fault_in_compiled_code_leaves_the_place_in_the_log(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    os.kill(pid_of(folder), signal.SIGSEGV)
    wait_until(lambda: runs.view(folder).state == "died")

    assert "Segmentation fault" in folder.log_tail(60)
    assert "worker.py" in folder.log_tail(60)
