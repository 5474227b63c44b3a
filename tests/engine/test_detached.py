"""Processes that outlive the one that began them: no zombies before its end, no complaint at it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine import detached

GOES_ON = f"""
import subprocess
from engine import detached
detached.hold(subprocess.Popen([{sys.executable!r}, "-I", "-c", "input()"], stderr=subprocess.DEVNULL))
"""


def test_nothing_is_said_of_a_process_that_goes_on() -> None:
    code = [sys.executable, "-P", "-W", "error", "-c", GOES_ON]
    with subprocess.Popen(code, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as begun:
        assert begun.wait(60) == 0  # the other one still waits for a line
        assert begun.stderr is not None
        assert begun.stderr.read() == b""


def test_what_has_ended_is_let_go_with_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detached, "_held", [])
    first, second = (subprocess.Popen([sys.executable, "-I", "-c", ""]) for _ in range(2))
    detached.hold(first)
    first.wait()
    assert detached.held() == [first]
    detached.hold(second)
    assert detached.held() == [second]
    second.wait()
