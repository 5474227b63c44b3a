"""Processes that may outlive this one, held while both live: one that nobody asks after is left as a zombie.

Does not know what they do, and starts none.
"""

from __future__ import annotations

import atexit
import subprocess

_held: list[subprocess.Popen[bytes]] = []


def hold(process: subprocess.Popen[bytes]) -> None:
    """Hold on to a process until it has ended."""
    _held[:] = [*_running(), process]


def held() -> list[subprocess.Popen[bytes]]:
    """All that are held; some may have ended since the last one came."""
    return list(_held)


def _running() -> list[subprocess.Popen[bytes]]:
    """Those that have not ended."""
    return [process for process in _held if process.poll() is None]


@atexit.register
def _let_go() -> None:
    """They go on, as they should; without a word about it Python warns of each."""
    for process in _running():
        process.returncode = 0
