"""The process that calls a Python function of the user's: cases in on stdin, verdicts out, a line each.

Run as `python -m engine.evals.checks.python_process FILE NAME MEMORY_MB`. Its first line says whether the
function was found. What the function prints goes to stderr, and it reads nothing: stdin and stdout are the
wire.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

DETAIL_LETTERS = 1000
RESERVE = 2 << 20
"""Bytes given back before an exhausted memory is reported: the report itself takes some."""


def main(path: str, name: str, memory_mb: int) -> None:
    """Answer every line of stdin until it ends, or until the function has used up its memory."""
    from engine import offline

    cases, wire = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "rb") as nothing:  # what the function or a process of its reads must not be a case
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    offline.guard()
    itself = os.getpid()
    limit_memory(memory_mb)
    reserve = bytearray(RESERVE)

    def say(**outcome: Any) -> None:
        if os.getpid() != itself:  # the function forked and came back: only one of the two may answer
            os._exit(0)
        wire.write(json.dumps(outcome) + "\n")
        wire.flush()

    try:
        function = load(path, name)
    except BaseException as error:
        reserve.clear()
        say(error=f"cannot be loaded: {shown(error, memory_mb)}")
        return
    say()
    for line in cases:
        try:
            asked = json.loads(line)
            say(**outcome_of(function(asked["output"], asked["case"])))
        except MemoryError as error:
            reserve.clear()
            say(error=shown(error, memory_mb), spent=True)
            return
        except BaseException as error:  # sys.exit() too: it is the function's fault, not the process's end
            say(error=f"raised {shown(error, memory_mb)}")


def limit_memory(megabytes: int) -> None:
    """Let this process and each that it starts have so much writable memory of its own, and no more.

    RLIMIT_DATA and not RLIMIT_AS: that one also counts what is only reserved, such as stacks of threads.
    """
    size = megabytes << 20
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def load(path: str, name: str) -> Callable[[str, dict[str, Any]], Any]:
    """The function `name` of the file. Raises what importing it raises, or AttributeError."""
    spec = importlib.util.spec_from_file_location("workspace_check", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function: Callable[[str, dict[str, Any]], Any] = getattr(module, name)
    return function


def outcome_of(value: Any) -> dict[str, Any]:
    """What a function returned as a score in [0, 1] with its reason. Raises TypeError or ValueError."""
    detail = ""
    if isinstance(value, dict):
        value, detail = value.get("score"), str(value.get("detail", ""))[:DETAIL_LETTERS]
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return {"score": float(value), "detail": detail}
    if not isinstance(value, int | float):
        raise TypeError(f"returned {type(value).__name__}, not true, false or a number")
    if not 0 <= value <= 1 or math.isnan(value):
        raise ValueError(f"returned {value}, which is not between 0 and 1")
    return {"score": float(value), "detail": detail}


def shown(error: BaseException, memory_mb: int) -> str:
    """An exception in a line."""
    if isinstance(error, MemoryError):
        return f"needed more than the {memory_mb} MiB of memory that memory_mb allows"
    return f"{type(error).__name__}: {error}"[:DETAIL_LETTERS].rstrip(": ")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
