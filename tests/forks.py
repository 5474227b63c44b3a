"""A copy of this process that is killed at a chosen moment: what was imported need not be imported again."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from typing import Any


def die(*_: Any, **__: Any) -> None:
    """kill -9 of this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies(act: Callable[[], object], function: str, call: int = 1) -> None:
    """Do `act` in a fork that is killed as it calls `function` for the `call`th time.

    `function` is a dotted name; of a method, the class is part of it. Fails when the fork lives on.
    """
    child = os.fork()
    if child == 0:
        signal.alarm(120)  # a lock that another thread held at the fork is never given back
        try:
            arm(function, call)
            act()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it lived on, or failed: {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def arm(function: str, call: int) -> None:
    """Put a trap in place of `function`."""
    place, name = function.rsplit(".", 1)
    home = find(place)
    whole, calls = getattr(home, name), 0

    def trap(*given: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            die()
        return whole(*given, **more)

    setattr(home, name, trap)


def find(place: str) -> Any:
    """The module or class of a dotted name."""
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError:
        outer, name = place.rsplit(".", 1)
        return getattr(find(outer), name)


def lives(act: Callable[[], object]) -> None:
    """Do `act` in a fork, where it may change what holds for a whole process. Fails when it raises."""
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"it raised or was killed: {status}"
