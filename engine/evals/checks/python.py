"""The check `python`: a function in a file of the workspace, run in a process of its own with a time limit.

Off unless `[workspace] python_checks = true`: a suite that somebody sends must not run code by being read.
The function gets the answer's text and the case as a dict, and returns true or false, a score in [0, 1], or
{"score": ..., "detail": ...}. Whatever it raises, prints or breaks stays in its process.
"""

from __future__ import annotations

import ast
import contextlib
import math
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict

START_SECONDS = 60.0
"""How long the process may take to import the file: it may import something large."""
ENDING_SECONDS = 2.0
"""How long a process that closed its end may take to be gone."""
LEAST_MEMORY_MB = 64
PRINTED = 100_000
"""Bytes that a function may print into the run's log; what comes after is dropped."""


class PythonOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`function` is FILE.py:NAME. `seconds`: how long one call may take; `memory_mb`: what its process, and
    each that it starts, may hold.
    """

    function: str = ""
    seconds: float = 10.0
    memory_mb: int = 2048


class Outcome(msgspec.Struct):
    """A line from the process: a score with its reason, or what went wrong. `spent`: it was its last."""

    score: float = 0.0
    detail: str = ""
    error: str = ""
    spent: bool = False


def python(options: PythonOptions, bench: Bench) -> Judge:
    """The function's score."""
    file, colon, name = options.function.rpartition(":")
    if not colon or not name.isidentifier():
        raise ValueError("python needs `function`, as in checks/tone.py:is_polite")
    if not 0 < options.seconds < math.inf:
        raise ValueError(f"python: `seconds` is {options.seconds}; it must be above 0, and end")
    if options.memory_mb < LEAST_MEMORY_MB:
        raise ValueError(f"python: `memory_mb` is {options.memory_mb}; Python alone takes {LEAST_MEMORY_MB}")
    path = bench.find(file)
    if not bench.python_checks:
        raise ValueError(
            "Python functions are off; allow them in temper.toml: [workspace] python_checks = true"
        )
    if why := missing(path, name):
        raise ValueError(f"{file}: {why}")
    caller = Caller(path, name, options)
    bench.closing.append(caller.close)

    def judge(reply: Reply) -> Verdict:
        outcome = caller.call(reply)
        if outcome.error:
            raise CheckError(f"{options.function} {outcome.error}")
        return Verdict(outcome.score, outcome.detail)

    return judge


def missing(path: Path, name: str) -> str:
    """Why a file has no function `name`, told from its text; "" where it has one, or may have imported it."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"is no Python that can be read: {error}"
    functions = [one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    if name in functions or any(isinstance(one, _BINDS) for one in body):
        return ""
    return f"has no function {name!r}; it has {', '.join(functions) or 'none'}"


_BINDS = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.ClassDef, ast.If, ast.Try, ast.With)
"""Statements that may give a file a name without a function's definition."""


class Caller:
    """The process that holds the function. Started at the first call; one that hangs or has used up its
    memory is ended, and the next call starts another. One that cannot be started is not started again.
    """

    def __init__(self, path: Path, name: str, options: PythonOptions) -> None:
        module = "engine.evals.checks.python_process"
        self._command = [sys.executable, "-P", "-m", module, str(path), name, str(options.memory_mb)]
        self._folder = path.parent
        self._seconds = options.seconds
        self._broken = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()

    def call(self, reply: Reply) -> Outcome:
        """What the function says of a reply, or what went wrong."""
        if self._process is None and not self._broken:
            self._broken = self._start()
        if self._broken:
            return Outcome(error=self._broken)
        try:
            assert self._process is not None
            assert self._process.stdin is not None
            asked = {"output": reply.text, "case": msgspec.to_builtins(reply.case)}
            self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
            self._process.stdin.flush()
        except OSError:
            return Outcome(error=self._end())
        return self._next(self._seconds, "did not return")

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with what it may have started
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def _start(self) -> str:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            start_new_session=True,
            env=_environment(),
        )
        self._lines = queue.Queue()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()
        threading.Thread(target=_log, args=(self._process.stderr,), daemon=True).start()
        return self._next(START_SECONDS, "was not there").error

    def _next(self, seconds: float, what: str) -> Outcome:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self.close()
            return Outcome(error=f"{what} within {seconds:g} s")
        if not line:
            return Outcome(error=self._end())
        outcome = msgspec.json.decode(line, type=Outcome)
        if outcome.spent:
            self.close()
        return outcome

    def _end(self) -> str:
        """Tidy up behind a process that says nothing more; how it ended, where it did so by itself."""
        assert self._process is not None
        process = self._process
        with contextlib.suppress(subprocess.TimeoutExpired):  # one that closed its wire may live on
            process.wait(ENDING_SECONDS)
        code = process.returncode
        self.close()
        if code is None:
            return "closed the pipe that its answer goes through"
        return "ended its process" + (f" by {signal.Signals(-code).name}" if code < 0 else f" with {code}")


def _read(pipe: IO[bytes], lines: queue.Queue[bytes]) -> None:
    try:
        for line in pipe:
            lines.put(line)
    except (OSError, ValueError):
        pass
    lines.put(b"")


def _log(pipe: IO[bytes]) -> None:
    """Pass on what is printed, so that it stands in the run's log; a function that prints without end fills
    no disk.
    """
    left = PRINTED
    try:
        while printed := os.read(pipe.fileno(), 65536):
            sys.stderr.write(printed[:left].decode(errors="replace"))
            left -= min(left, len(printed))
    except (OSError, ValueError):
        pass


def _environment() -> dict[str, Any]:
    # The package must be found also from the user's folder, which is the process's own.
    root = str(Path(__file__).parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


KINDS = (Kind("python", "a Python function of the workspace", PythonOptions, python),)
