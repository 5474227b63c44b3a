"""Watching a run: what a pipe gets, what a terminal gets, who has the GPU."""

from __future__ import annotations

import os
import pty
import subprocess
from datetime import timedelta

import pytest

from app.cli import watch
from store import clock
from store.records.events import Finished, Progress, Queued, Step
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import command, environment
from tests.workers import lay_run


def test_the_queue_is_told_with_who_since_when_and_for_how_long() -> None:
    since = clock.now() - timedelta(minutes=12, seconds=5)
    line = watch.queue_line("cpu", "train-1", clock.stamp(since))
    assert "train-1 has cpu since" in line
    assert "(12 m)" in line


def test_a_pipe_gets_few_lines_however_many_steps(temper: Temper, workspace: Workspace) -> None:
    steps = [Step(step=n, total=500, loss=1.0) for n in range(1, 501)]
    lay_run(workspace, "scripted-x", [*steps, Finished(status="finished")])
    err = temper("runs", "attach").err
    assert "train 500/500" in err
    assert len(err.splitlines()) < 10


def test_a_queue_that_is_over_is_not_told_again(temper: Temper, workspace: Workspace) -> None:
    waited = Queued(device="cpu", holder="train-1", since=clock.stamp())
    lay_run(workspace, "scripted-x", [waited, Finished(status="finished")])
    assert "queue" not in temper("runs", "attach").err


def test_a_terminal_gets_a_bar_with_what_is_left(workspace: Workspace) -> None:
    lay_run(
        workspace,
        "scripted-x",
        [Progress(phase="merge", done=3, total=4, eta_seconds=75.0), Finished(status="finished")],
    )
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command("runs", "attach"),
        stdin=slave,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=environment() | {"COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 4096):
            shown += piece
    except OSError:
        pass  # what a terminal answers once its last writer is gone
    finally:
        os.close(master)
    assert process.wait(timeout=60) == 0
    for part in (b"merge", b"3/4", b"1:15 left"):
        assert part in shown


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_every_end_but_a_good_one_has_an_exit_code(temper: Temper, workspace: Workspace, status: str) -> None:
    lay_run(workspace, "scripted-x", [Finished(status=status)])  # type: ignore[arg-type]
    assert temper("runs", "attach").code != 0
