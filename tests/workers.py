"""Real worker processes in tests: playing scripts, waited for, killed; and runs laid by hand."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs import launch
from engine.jobs.context import JobContext
from engine.jobs.scripted import ScriptedParams
from engine.jobs.worker import work
from store import clock, runs
from store.locks import is_locked
from store.records.events import AnyEvent, Event, Lease, Started
from store.records.runs import ENDED, JobKind, RunSpec
from store.runs import EventWriter, RunFolder
from store.workspace import Workspace

_libraries = 0  # modules that were loaded when it was looked last


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Return as soon as `condition` holds; fail when it does not come to."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def play(
    workspace: Workspace,
    events: list[dict[str, Any]] | None = None,
    hold: bool = False,
    title: str = "a script",
) -> RunFolder:
    """A real worker that plays `events` and, with `hold`, lives on until it is stopped."""
    return launch.start(workspace, "scripted", ScriptedParams(events or [], hold=hold), title)


def run_here(
    workspace: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str = ""
) -> RunFolder:
    """What `launch.start` starts, done to its end in this process: what it imports is imported once."""
    spec = RunSpec(
        clock.new_id(job),
        job,
        clock.stamp(),
        str(workspace.root),
        msgspec.to_builtins(params),
        title,
        command,
    )
    folder = runs.create(workspace.paths.runs, spec)
    writer = runs.EventWriter(folder)
    context = JobContext(folder, spec, writer)
    context.emit(Started(run_id=spec.run_id, job=job, pid=os.getpid()))
    context.emit(work(context))
    writer.close()
    spare_libraries()
    return folder


def resume_here(folder: RunFolder) -> None:
    """What `launch.resume` starts, done to its end in this process."""
    runs.reopen(folder)
    writer = EventWriter(folder)
    context = JobContext(folder, folder.spec(), writer)
    context.emit(Started(run_id=folder.run_id, job="train", pid=os.getpid()))
    context.emit(work(context))
    writer.close()


def spare_libraries() -> None:
    """Let the collector pass over what a run has imported: a short one spends a third of its time there."""
    global _libraries
    if len(sys.modules) > _libraries + 100:
        gc.collect()
        gc.freeze()
        _libraries = len(sys.modules)


@contextmanager
def stop_at(step: int) -> Iterator[None]:
    """Every training job inside the block is asked to stop in step `step`."""
    asked = JobContext.stop_requested

    def stop_requested(context: JobContext) -> bool:
        return runs.view(context.folder).step >= step - 1 or asked(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobContext, "stop_requested", stop_requested)
        yield


def lay_run(
    workspace: Workspace, run_id: str, events: list[Event], job: JobKind = "scripted", command: str = ""
) -> RunFolder:
    """A run folder as a worker would have left it. Started and leased are written in front."""
    spec = RunSpec(run_id, job, clock.stamp(), str(workspace.root), title=f"{job} of a test", command=command)
    folder = runs.create(workspace.paths.runs, spec)
    writer = runs.EventWriter(folder)
    for event in [Started(run_id=run_id, job=job, pid=1), Lease(device="none"), *events]:
        writer.emit(event)
    writer.close()
    return folder


def events_of(folder: RunFolder, kind: type[Event]) -> list[AnyEvent]:
    """The events of one kind so far."""
    return [event for event in runs.read_events(folder.events) if isinstance(event, kind)]


def await_event(folder: RunFolder, kind: type[Event]) -> None:
    """Return once the run has told of a `kind`; fail when it ends without one, saying why."""
    await_work(folder, lambda: events_of(folder, kind))


def await_work(folder: RunFolder, condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Return once `condition` holds; fail when the run ends before that, saying why."""

    def reached() -> bool:
        if condition():
            return True
        view = runs.view(folder)
        assert view.state not in ENDED, f"{view.state}: {view.error}\n{folder.log_tail()}"
        return False

    wait_until(reached, seconds)


def pid_of(folder: RunFolder) -> int:
    """The worker's process id."""
    return next(event.pid for event in runs.read_events(folder.events) if isinstance(event, Started))


def kill(folder: RunFolder) -> None:
    """kill -9; returns once the kernel has let go of all that the worker held."""
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until(lambda: not is_locked(folder.lock))


def end(folder: RunFolder) -> None:
    """Wait until the run has ended."""
    wait_until(lambda: runs.view(folder).state in ENDED)


def snapshot(folder: RunFolder, target: Path) -> RunFolder:
    """The run folder as kill -9 would leave it at this moment: copied while its worker is halted."""
    pid = pid_of(folder)
    os.kill(pid, signal.SIGSTOP)
    try:
        copy = target / folder.run_id
        shutil.copytree(folder.path, copy)
    finally:
        os.kill(pid, signal.SIGCONT)
    return RunFolder(copy)


def kill_all(workspace: Workspace) -> None:
    """End what a failed test left alive."""
    for folder in runs.list_folders(workspace.paths.runs):
        if is_locked(folder.lock):
            with suppress(ProcessLookupError, StopIteration):
                os.kill(pid_of(folder), signal.SIGKILL)
