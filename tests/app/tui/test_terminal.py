"""The app in a real terminal (tmux): it draws, takes keys, closes, and the run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from engine.jobs import launch
from engine.jobs.scripted import ScriptedParams
from store.runs import view
from store.workspace import Workspace
from tests.app.tui.stage import PATIENCE

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Terminal:
    """A tmux server of the test's own."""

    def __init__(self) -> None:
        self._name = f"temper-{uuid.uuid4().hex[:8]}"

    def tmux(self, *arguments: str) -> str:
        """One tmux command; its output."""
        command = ["tmux", "-L", self._name, "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout

    def screen(self) -> str:
        """What is to be seen."""
        return self.tmux("capture-pane", "-p")

    def until(self, condition: Callable[[str], bool]) -> str:
        """Wait for a screen; the screen. Fails with the last one when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not condition(seen := self.screen()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.02)
        return seen


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Gone after the test, with everything in it."""
    made = Terminal()
    yield made
    subprocess.run(["tmux", "-L", made._name, "kill-server"], capture_output=True, timeout=10)


def test_closing_the_terminal_ui_leaves_the_run_alive(workspace: Workspace, terminal: Terminal) -> None:
    steps = [{"kind": "step", "step": n, "loss": 3.0 / n, "total": 50} for n in range(1, 41)]
    folder = launch.start(workspace, "scripted", ScriptedParams(events=steps, hold=True), "a long run")
    start = f"cd '{workspace.root}' && '{sys.executable}' -P -c 'from app.cli.main import main; main()'"
    terminal.tmux("new-session", "-d", "-x", "100", "-y", "30", f"{start}; echo closed with $?; exec cat")
    terminal.until(lambda seen: "NEXT STEP" in seen and "a long run" in seen)
    terminal.tmux("send-keys", "2")
    terminal.until(lambda seen: "40/50" in seen and "loss" in seen)
    terminal.tmux("send-keys", "q")
    seen = terminal.until(lambda seen: "closed with" in seen)
    assert "closed with 0" in seen
    assert f"temper runs attach {folder.run_id}" in seen.replace("\n", "")
    assert view(folder).state == "running"
    folder.request_stop()
