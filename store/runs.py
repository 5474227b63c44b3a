"""Run folders: the truth about every run. Writing events, reading them in batches, deriving the state.

    spec.json      what was asked          events.jsonl   what happened, one writer, one line per event
    alive.lock     held while the worker lives            control        present: please stop
    worker.log     stdout and stderr       artifacts/     what was made

A state is never stored. This module does not know what any job does, nor does it start workers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from store import atomic, clock
from store.errors import BusyError, UsageError
from store.locks import is_locked
from store.records.events import AnyEvent, Artifact, Event, Finished, Lease, Resumed, Started, Step
from store.records.runs import RunSpec, RunView

LAUNCH_SECONDS = 30.0  # a spec without `started` is starting for this long, then it died

_decoder = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


class NoSuchRunError(UsageError):
    """No run fits what was asked for, which may thus mean something else."""


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_id = path.name
        self.spec_file = path / "spec.json"
        self.events = path / "events.jsonl"
        self.results = path / "results.jsonl"
        self.log = path / "worker.log"
        self.lock = path / "alive.lock"
        self.control = path / "control"
        self.artifacts = path / "artifacts"

    def spec(self) -> RunSpec:
        """What was asked. Raises FileNotFoundError or msgspec.DecodeError where there is no run."""
        return msgspec.json.decode(self.spec_file.read_bytes(), type=RunSpec)

    def request_stop(self) -> None:
        """Ask the worker to stop at its next step with its work saved."""
        atomic.write_text(self.control, "stop\n")

    def log_tail(self, lines: int = 20) -> str:
        """The end of worker.log."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 16_384))
                text = file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def create(runs: Path, spec: RunSpec) -> RunFolder:
    """Make the folder of a new run; the spec is in it, whole, when the folder has its final name."""
    with atomic.new_directory(runs / spec.run_id) as folder:
        atomic.write_bytes(folder / "spec.json", msgspec.json.format(_encoder.encode(spec)))
        (folder / "artifacts").mkdir()
    return RunFolder(runs / spec.run_id)


def reopen(folder: RunFolder) -> None:
    """Make a run that has ended ready for another worker, which appends to its events.

    Raises BusyError while its worker lives. A request to stop that was made of the last worker is gone.
    """
    if is_locked(folder.lock):
        raise not_over(folder)
    folder.control.unlink(missing_ok=True)


def announce(folder: RunFolder) -> None:
    """Let those who have stopped reading ended runs look at them again: this one has new events."""
    os.utime(folder.path.parent)


def not_over(folder: RunFolder) -> BusyError:
    """A run cannot be taken up while a worker does it."""
    return BusyError(
        "The run is not over",
        f"A worker of {folder.run_id} is alive.",
        f"Watch it: temper runs attach {folder.run_id}",
    )


class EventWriter:
    """Appends events to events.jsonl; a run's only writer. Each line is flushed: kill -9 keeps it.

    Threads of the worker may write at the same time, other processes only in its place (`catch_up`).
    """

    def __init__(self, folder: RunFolder) -> None:
        end_torn_line(folder.events)
        self._seq = max((event.seq for event in read_events(folder.events)), default=0)
        self._path = folder.events
        self._turn = threading.Lock()
        self._file = folder.events.open("ab")

    def emit(self, event: Event) -> None:
        """Stamp `event` with number and time and append it. Raises TemperError when the disk is full."""
        with self._turn:
            self._seq += 1
            event.seq, event.time = self._seq, clock.stamp()
            try:
                self._file.write(_encoder.encode(event) + b"\n")
                self._file.flush()
            except OSError as error:
                raise atomic.disk_error(error, self._path) from error

    def catch_up(self) -> None:
        """Go on behind what another process has written meanwhile, which writes no more."""
        with self._turn:
            end_torn_line(self._path)
            self._seq = max((event.seq for event in read_events(self._path)), default=0)

    def close(self) -> None:
        """Flush to the disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def end_torn_line(path: Path) -> None:
    """Cut a last line without newline: a kill in mid-write left it, and nothing may be appended to it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        data = file.read()
        if data and not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)


class EventReader:
    """Reads a growing events.jsonl in batches of whole lines. Keeps a byte offset: each line is read once."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset

    def read(self, most_bytes: int = 1 << 22) -> list[AnyEvent]:
        """New events since the last call, about `most_bytes` of them, but at least one whole line.

        An unknown kind is skipped. Nothing comes back only when there is nothing more to read.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            while True:
                file.seek(self.offset)
                data = file.read(most_bytes)
                while b"\n" not in data and (more := file.read(most_bytes)):
                    data += more
                end = data.rfind(b"\n") + 1
                self.offset += end
                if end == 0 or (events := list(decode_lines(data[:end]))):
                    return events if end else []


def decode_lines(data: bytes) -> Iterator[AnyEvent]:
    """Decode whole lines; a line that a newer or broken writer left unreadable is passed over."""
    for line in data.splitlines():
        try:
            yield _decoder.decode(line)
        except msgspec.MsgspecError:
            continue


def read_events(path: Path) -> list[AnyEvent]:
    """All whole events of a file, from its start."""
    reader, events = EventReader(path), []
    while batch := reader.read():
        events += batch
    return events


def curve(events: Iterable[AnyEvent]) -> list[Step]:
    """A run's steps in order, each once: what a resumed run does again takes the place of what it did."""
    steps: list[Step] = []
    for event in events:
        if isinstance(event, Step):
            while steps and steps[-1].step >= event.step:
                steps.pop()
            steps.append(event)
    return steps


class RunTracker:
    """Follows one run: reads only what is new, keeps its view and the events of the last refresh.

    Who has read the first `offset` bytes already hands over what was in them as `seen`.
    """

    def __init__(self, folder: RunFolder, seen: Iterable[AnyEvent] = (), offset: int = 0) -> None:
        self.folder = folder
        self.reader = EventReader(folder.events, offset)
        self.fresh: list[AnyEvent] = []
        self._finished = self._leased = False
        try:
            spec = folder.spec()
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError) as error:
            raise UsageError(
                "No such run", f"{folder.path} holds no run.", "See the runs there are with: temper runs list"
            ) from error
        self.view = RunView(spec.run_id, spec.job, "starting", title=spec.title, created=spec.created)
        for event in seen:
            self._apply(event)

    def refresh(self) -> RunView:
        """Take in new events and derive the state anew."""
        self.fresh = self._drain()
        if self._finished:
            return self.view
        if is_locked(self.folder.lock):
            self.view.state = "running" if self._leased else "waiting"
            self.view.ended, self.view.log_tail = None, ""  # it may have been resumed after it died
            return self.view
        # The worker writes `finished`, then lets go of the lock: what it wrote in between must be seen
        # before a run is called dead.
        self.fresh += self._drain()
        if not self._finished:
            self._not_alive()
        return self.view

    def _drain(self) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        while batch := self.reader.read():
            events += batch
        for event in events:
            self._apply(event)
        return events

    def _apply(self, event: AnyEvent) -> None:
        view = self.view
        match event:
            case Started():
                # Also the first event of a worker that takes up a run that had ended
                view.started, view.ended = event.time, None
                view.error, view.result, view.log_tail = None, {}, ""
                self._finished = self._leased = False
            case Resumed():
                view.step = event.step
            case Lease():
                self._leased = True
            case Step():
                view.step, view.total = event.step, event.total
            case Artifact():
                view.artifacts[:] = [one for one in view.artifacts if one.path != event.path] + [event]
            case Finished():
                self._finished = True
                view.state, view.ended = event.status, event.time
                view.error, view.result = event.error, event.result
            case _:
                pass
        view.last_event = event.time

    def _not_alive(self) -> None:
        view = self.view
        age = (clock.now() - clock.parse(view.created)).total_seconds()
        if view.started is None and age < LAUNCH_SECONDS:
            view.state = "starting"
            return
        view.state = "died"
        view.ended = view.last_event or view.created
        view.log_tail = self.folder.log_tail()


def view(folder: RunFolder) -> RunView:
    """A run as lists show it now. Raises UsageError where the folder holds no readable spec."""
    return RunTracker(folder).refresh()


def list_folders(runs: Path, job: str | None = None) -> list[RunFolder]:
    """All runs (of kind `job` if given), newest first; a folder without a readable spec is none."""
    if not runs.is_dir():
        return []
    found = []
    for path in runs.iterdir():
        if path.name[0] == ".":
            continue
        folder = RunFolder(path)
        try:
            spec = folder.spec()
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            continue
        if job is None or spec.job == job:
            found.append((spec.created, folder.run_id, folder))
    return [folder for _, _, folder in sorted(found, key=lambda one: one[:2], reverse=True)]


def find(runs: Path, reference: str, job: str | None = None) -> RunFolder:
    """The run that `reference` names: an id, a unique prefix, or `last` (the newest, of kind `job` if given).

    Raises UsageError when several match, NoSuchRunError when none does.
    """
    folders = list_folders(runs, job)
    if reference == "last":
        matches = folders[:1]
    else:
        matches = [folder for folder in folders if folder.run_id == reference] or [
            folder for folder in folders if folder.run_id.startswith(reference)
        ]
    if len(matches) == 1:
        return matches[0]
    what = f"{job} run" if job else "run"
    if not matches:
        nothing = f"There is no {what} yet." if reference == "last" else f"No {what} is called {reference!r}."
        raise NoSuchRunError(
            "No such run",
            nothing,
            "See the runs there are with: temper runs list",
        )
    names = ", ".join(folder.run_id for folder in matches[:4])
    raise UsageError("More than one run fits", f"{reference!r} fits {names}.", "Type more of the run's id.")
