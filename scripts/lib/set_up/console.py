"""What set-up shows and how it runs programs: a line per step, a heartbeat in long ones, a log."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HEARTBEAT = 20.0
LAST_LINES = 30
TAIL_BYTES = 65536

Progress = Callable[[str, float], str]


class SetupError(Exception):
    """Set-up cannot go on: title, what happened, what to do, exit code (3: this machine lacks something)."""

    def __init__(self, title: str, cause: str, remedy: str, code: int = 1) -> None:
        super().__init__(title)
        self.title, self.cause, self.remedy, self.code = title, cause, remedy, code

    def text(self) -> str:
        """The error as it is shown."""
        return (
            f"Set-up stopped: {self.title}\n  What happened:  {self.cause}\n  What to do:     {self.remedy}"
        )


class Console:
    """Numbers the steps, owns the log. Writes to stderr: stdout belongs to the command that called set-up."""

    def __init__(self, log: Path, steps: int) -> None:
        self.log, self.steps, self.number = log, steps, 0

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step; its line is finished with the result and the seconds it took."""
        self.number += 1
        step = Step(self, title)
        say(f"[{self.number}/{self.steps}] {title}: ", end="")
        try:
            yield step
        except BaseException:
            say("")
            raise
        say(f"{step.indent()}{step.outcome} ({time.monotonic() - step.started:.1f} s)")

    def close(self, text: str) -> None:
        """The last line."""
        say(text)


class Step:
    """One step under way."""

    def __init__(self, console: Console, title: str) -> None:
        self.console, self.title, self.outcome = console, title, "done"
        self.started = time.monotonic()
        self.noted = False

    def result(self, text: str) -> None:
        """What the step's line says at its end."""
        self.outcome = text

    def note(self, text: str) -> None:
        """A line within the step: what it does now, or how far it is."""
        say(f"{'' if self.noted else os.linesep}      {text}")
        self.noted = True

    def indent(self) -> str:
        """What the result is set off by: nothing on the step's own line, spaces below notes."""
        return "      " if self.noted else ""

    def run(
        self,
        command: list[str],
        environment: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        remedy: str = "Mend what the last lines say, then run scripts/setup again: it goes on from here.",
    ) -> None:
        """Run `command` with its output in the log; every 20 s say what `progress` makes of the log's end.

        Raises SetupError, after printing the log's last 30 lines, when the command fails.
        """
        log = self.console.log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            out.write(f"\n$ {' '.join(command)}\n".encode())
            out.flush()
            start = out.tell()
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
            ) as process:
                code = self.watch(process, start, progress)
        if code != 0:
            last = tail(log, start).splitlines()[-LAST_LINES:]
            say("\n" + "\n".join(f"      | {line}" for line in last))
            name = " ".join(Path(command[0]).name if part == command[0] else part for part in command[:4])
            raise SetupError(
                f"{self.title} failed", f"`{name} ...` ended with {code}; all it said: {log}", remedy
            )

    def watch(self, process: subprocess.Popen[bytes], start: int, progress: Progress | None) -> int:
        """Wait for `process`, with a heartbeat; it does not outlive an interrupted set-up."""
        began = time.monotonic()
        try:
            while True:
                try:
                    return process.wait(HEARTBEAT)
                except subprocess.TimeoutExpired:
                    elapsed = time.monotonic() - began
                    words = progress(tail(self.console.log, start), elapsed) if progress else ""
                    self.note(f"{elapsed:4.0f} s  {words or 'working'}")
        except BaseException:
            process.terminate()
            raise


def tail(log: Path, start: int) -> str:
    """The end of the log, not before byte `start`."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - TAIL_BYTES))
        return file.read().decode(errors="replace")


def say(text: str, end: str = "\n") -> None:
    """Print to stderr at once."""
    print(text, end=end, file=sys.stderr, flush=True)
