"""What a job may use while it runs: its parameters, its folder, events out, the stop request in.

The one place where pure engine code meets a run folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

import msgspec

from store.errors import TemperError
from store.records.events import Artifact, Event, Notice, Progress
from store.records.runs import RunSpec
from store.runs import EventWriter, RunFolder
from store.workspace import Workspace

P = TypeVar("P", bound=msgspec.Struct)


class Stopped(Exception):
    """The user asked the run to stop; its work so far is saved. The worker turns it into `cancelled`."""


class JobContext:
    """Handed to a job's function."""

    def __init__(self, folder: RunFolder, spec: RunSpec, writer: EventWriter) -> None:
        self.folder = folder
        self.spec = spec
        self._writer = writer
        self.device = "cpu"

    def params(self, kind: type[P]) -> P:
        """The job's parameters as its own struct."""
        return msgspec.convert(self.spec.params, kind)

    def workspace(self) -> Workspace:
        """The workspace the run belongs to."""
        return Workspace(Path(self.spec.workspace))

    def emit(self, event: Event) -> None:
        """Append one event to the run's events.jsonl."""
        self._writer.emit(event)

    def written_by_others(self) -> None:
        """A process of the run has written its events in our place, and writes no more."""
        self._writer.catch_up()

    def notice(self, title: str, text: str = "", *, warn: bool = False) -> None:
        """Tell the user something worth reading."""
        self.emit(Notice(title=title, text=text, level="warn" if warn else "info"))

    def artifact(self, name: str, path: Path, kind: str, sha256: str = "") -> None:
        """Record a finished file or directory."""
        size = sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size
        inside = path.is_relative_to(self.folder.path)
        shown = str(path.relative_to(self.folder.path)) if inside else str(path)
        self.emit(Artifact(name=name, path=shown, type=kind, bytes=size, sha256=sha256))

    def stop_requested(self) -> bool:
        """Whether the user asked the run to stop. Cheap: ask at every step."""
        return self.folder.control.exists()

    def check_stop(self) -> None:
        """Raise Stopped when the user asked the run to stop."""
        if self.stop_requested():
            raise Stopped

    def progress(self, phase: str, total: int = 0) -> ProgressMeter:
        """A meter for a phase of `total` parts; emits at most a few events per second."""
        return ProgressMeter(self, phase, total)


class ProgressMeter:
    """Counts parts of a phase and estimates the time left from the mean so far."""

    def __init__(self, context: JobContext, phase: str, total: int) -> None:
        self._context = context
        self._phase = phase
        self._total = total
        self._begin = time.monotonic()
        self._shown = 0.0
        self.advance(0)

    def advance(self, done: int) -> None:
        """`done` parts are finished. Raises Stopped when the user asked for it."""
        self._context.check_stop()
        now = time.monotonic()
        if done < self._total and done and now - self._shown < 0.25:
            return
        self._shown = now
        eta = (now - self._begin) / done * (self._total - done) if done and self._total else None
        self._context.emit(Progress(phase=self._phase, done=done, total=self._total, eta_seconds=eta))


class Phases:
    """A progress meter per phase, made when the phase begins."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._meters: dict[str, ProgressMeter] = {}

    def advance(self, phase: str, done: int, total: int) -> None:
        """`done` of `total` parts of a phase are finished. Raises Stopped when the user asked for it."""
        if phase not in self._meters:
            self._meters[phase] = self._context.progress(phase, total)
        if done:
            self._meters[phase].advance(done)


def failure_of(error: BaseException) -> TemperError:
    """An unexpected exception in the three parts that a user is shown."""
    if isinstance(error, TemperError):
        return error
    return TemperError(
        "Something unexpected went wrong",
        f"{type(error).__name__}: {error}",
        "The run's log has the traceback: temper runs show RUN. Please report it if it happens again.",
    )
