"""The process that calls a Python function of the user's: cases in on stdin, verdicts out, a line each.

Run as `python -m engine.evals.checks.python_process FILE NAME`. Its first line says whether the function was
found. What the function prints goes to stderr: stdout is the wire.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

DETAIL_LETTERS = 1000


def main(path: str, name: str) -> None:
    """Answer every line of stdin until it ends."""
    from engine import offline

    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    offline.guard()

    def say(**outcome: Any) -> None:
        wire.write(json.dumps(outcome) + "\n")
        wire.flush()

    try:
        function = load(path, name)
    except BaseException as error:
        say(error=f"cannot be loaded: {shown(error)}")
        return
    say()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            say(**outcome_of(function(asked["output"], asked["case"])))
        except BaseException as error:  # sys.exit() too: it is the function's fault, not the process's end
            say(error=f"raised {shown(error)}")


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


def shown(error: BaseException) -> str:
    """An exception in a line."""
    return f"{type(error).__name__}: {error}"[:DETAIL_LETTERS].rstrip(": ")


if __name__ == "__main__":
    main(*sys.argv[1:3])
