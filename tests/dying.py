"""A process that is killed at a chosen moment: before a function of its own is called for the nth time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_DYING = """
import importlib, os, signal
module, name = {function!r}.rsplit(".", 1)
home, count = importlib.import_module(module), 0
whole = getattr(home, name)

def dying(*arguments, **options):
    global count
    count += 1
    if count == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **options)

setattr(home, name, dying)
"""


def die_at(function: str, code: str, call: int = 1) -> None:
    """Run `code` in a fresh Python that is killed with SIGKILL as it calls `function` for the `call`th time.

    Fails when it lives on.
    """
    whole = _DYING.format(function=function, call=call) + code
    done = subprocess.run(
        [sys.executable, "-P", "-c", whole],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
