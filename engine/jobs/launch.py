"""Starting a run, or taking one up again: start a detached worker, wait until it says that it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from engine import detached
from store import clock, runs
from store.errors import TemperError
from store.records.events import Started
from store.records.runs import JobKind, RunSpec
from store.runs import EventReader, RunFolder
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.jobs.warm import WarmWorker

HANDSHAKE_SECONDS = 30.0


def start(
    workspace: Workspace,
    job: JobKind,
    params: msgspec.Struct,
    title: str,
    command: str = "",
    warm: WarmWorker | None = None,
) -> RunFolder:
    """Start a run of `job` and return once its worker has written `started`.

    The worker is its own session: closing the terminal or a broken SSH line does not reach it. A `warm` one
    takes the run if it can (engine.jobs.warm); it is used up either way.
    Raises TemperError with the end of its log when it does not come up; no worker is left then.
    """
    spec = RunSpec(
        run_id=clock.new_id(job),
        job=job,
        created=clock.stamp(),
        workspace=str(workspace.root),
        params=msgspec.to_builtins(params),
        title=title,
        command=command,
    )
    folder = runs.create(workspace.paths.runs, spec)
    if warm is None or not warm.begin(folder):
        await_start(folder, spawn(folder))
    return folder


def resume(folder: RunFolder) -> None:
    """Start another worker for a run that has ended, in its own folder; its events follow the old ones.

    Returns once the worker has written `started`. Raises BusyError while the run is not over, also when
    somebody else has just taken it up.
    """
    runs.reopen(folder)
    reader = EventReader(folder.events)
    while reader.read():
        pass  # what earlier workers said is no sign of life of the new one
    await_start(folder, spawn(folder), reader)
    runs.announce(folder)


def spawn(folder: RunFolder) -> subprocess.Popen[bytes]:
    """Start the detached worker of a run folder."""
    # -P keeps the user's folder off sys.path: a file called torch.py there must not be imported.
    command = [sys.executable, "-P", "-m", "engine.jobs.worker", str(folder.path)]
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder.path,
            env=environment(),
            start_new_session=True,
        )
    detached.hold(process)
    return process


def environment() -> dict[str, str]:
    """What every worker finds around it: a fault in compiled code writes where it was into the log, too."""
    return os.environ | {
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "true",
        "PYTHONFAULTHANDLER": "1",
    }


def killed_by(run_id: str) -> str:
    """The signal that ended a run's worker, `SIGKILL`; empty where none did or another process began it."""
    for process in detached.held():
        if run_id in str(process.args):
            with suppress(subprocess.TimeoutExpired):  # its lock is free a moment before it is gone
                code = process.wait(timeout=1.0)
                return signal.Signals(-code).name if code < 0 else ""
    return ""


def await_start(folder: RunFolder, process: subprocess.Popen[bytes], old: EventReader | None = None) -> None:
    """Return when the worker has written its first event; what `old` has read is that of an earlier worker.

    Raises TemperError when it does not, BusyError when yet another worker did.
    """
    reader = old or EventReader(folder.events)
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    while True:
        ended = process.poll() is not None  # asked first: a short run may start and end between the two
        if events := reader.read():
            started = next((event for event in events if isinstance(event, Started)), None)
            if old is not None and started is not None and started.pid != process.pid:
                process.kill()  # it waits for a lock that the other one has
                raise runs.not_over(folder)
            return
        if ended:
            raise _not_started(folder, "Its worker ended before its first sign of life.")
        if time.monotonic() > deadline:
            process.kill()  # a run that was called failed must not begin later
            raise _not_started(folder, f"Its worker gave no sign of life for {HANDSHAKE_SECONDS:.0f} s.")
        time.sleep(0.01)


def _not_started(folder: RunFolder, why: str) -> TemperError:
    return TemperError(
        "The run did not start",
        f"{why}\n{folder.log_tail()}".rstrip(),
        f"The whole log is in {folder.log}.",
    )
