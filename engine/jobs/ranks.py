"""A training run in several processes, as its worker sees it: started, watched, and what came of them.

The worker keeps the run's lock and its devices and writes no event meanwhile: the first process does. They
are started by torch.distributed.run, in the worker itself, so that they are its own children and it learns
how each has ended. Knows nothing of what they do (engine.jobs.rank, engine.training.processes).
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec

from engine.jobs.context import JobContext
from engine.jobs.queue import VISIBLE, devices
from engine.training.checkpoints import Saved
from engine.training.data import TrainingData
from engine.training.health import DivergedError
from store import atomic
from store.errors import ExitCode, TemperError
from store.records.events import Failure
from store.records.recipe import Recipe
from store.records.training import TrainResult

FOLDER = "ranks"
TASK, RESULT, FAILURE = "task.msgpack", "result.json", "failure-{}.json"
WORKER = "TEMPER_WORKER"
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
"""The processes speak to each other over the loopback interface alone."""


class Task(msgspec.Struct):
    """What every process does. Paths are absolute, an empty one is none; `resume` is a checked checkpoint."""

    base: str
    recipe: Recipe
    data: TrainingData
    out: str
    inputs: dict[str, str]
    resume: str = ""
    start: str = ""


class Ended(msgspec.Struct):
    """Why a process failed. `told` says that it knew why: it raised an error that a user is shown."""

    rank: int
    failure: Failure
    told: bool
    kind: str
    time: float


class Killed(msgspec.Struct):
    """A process that said nothing. `exit_code` is that of subprocess: below 0 the number of a signal."""

    rank: int
    pid: int
    exit_code: int


def train(
    context: JobContext,
    processes: int,
    base: Path,
    recipe: Recipe,
    data: TrainingData,
    out: Path,
    resume: Saved | None,
    inputs: dict[str, str],
    start: Path | None,
) -> TrainResult:
    """What engine.training.session.train gives, done by `processes` processes.

    Raises TemperError with the reason of the process that failed first, once all others have been ended.
    """
    folder = context.folder.path / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # of a worker that was killed
    task = Task(
        str(base),
        recipe,
        data,
        str(out),
        inputs,
        str(resume.path) if resume else "",
        str(start) if start else "",
    )
    atomic.write_bytes(folder / TASK, msgspec.msgpack.encode(task))
    context.notice("Processes", f"{processes} processes start; each loads the base.")
    try:
        killed = run(context.folder.path, processes)
        if not killed:
            return msgspec.json.decode((folder / RESULT).read_bytes(), type=TrainResult)
        raise reason(endings(folder), killed, processes)
    finally:
        context.written_by_others()
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, processes: int) -> list[Killed]:
    """Start the processes of the run folder `folder`; return when all have ended, with those that failed."""
    from torch.distributed import run as module
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    launcher: Any = module  # torch leaves it untyped
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    names = devices(processes)
    os.environ[VISIBLE] = "" if names == ["cpu"] else ",".join(names)  # those that are ours, in this order
    # A folder called torch in the run's must not be imported; -P of the worker is not handed on.
    os.environ.update(LOOPBACK | {"PYTHONSAFEPATH": "1", WORKER: str(os.getpid())})
    arguments = [
        *("--nnodes=1", f"--nproc-per-node={processes}", f"--rdzv-id={folder.name}"),
        *("--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"),
        # torch would end the processes at the signal by which a user stops a run: another takes its place
        *("--signals-to-handle=SIGUSR2", "--max-restarts=0", f"--log-dir={folder / FOLDER / 'log'}"),
        *("-m", "engine.jobs.rank", str(folder)),
    ]
    try:
        launcher.run(launcher.parse_args(arguments))
    except ChildFailedError as error:
        return [Killed(rank, one.pid, one.exitcode) for rank, one in sorted(error.failures.items())]
    return []


def endings(folder: Path) -> list[Ended]:
    """What the processes that failed have said of it, the first one first."""
    files = folder.glob(FAILURE.format("*"))
    return sorted(
        (msgspec.json.decode(file.read_bytes(), type=Ended) for file in files), key=lambda one: one.time
    )


def reason(said: list[Ended], failed: list[Killed], processes: int) -> TemperError:
    """Why the run failed, of all that its processes ended with.

    One that knew why comes first. Then one that was killed: those who lose it have an error of the
    connection, and those that the worker ended for it SIGTERM.
    """
    known = next((one for one in said if one.told), None)
    if known is not None:
        return error_of(known)
    dead = next((one for one in failed if one.exit_code < 0 and -one.exit_code != signal.SIGTERM), None)
    if dead is not None or not said:
        return died(dead or failed[0], processes)
    return error_of(said[0])


def error_of(ended: Ended) -> TemperError:
    """What a process raised, as an error of this one."""
    failure = ended.failure
    kind = DivergedError if ended.kind == DivergedError.__name__ else TemperError
    error = kind(failure.title, failure.happened, failure.remedy)
    error.exit_code = ExitCode(failure.exit_code)
    return error


def died(one: Killed, processes: int) -> TemperError:
    """A process that ended without a word."""
    how = (
        f"was killed by {signal.Signals(-one.exit_code).name}"
        if one.exit_code < 0
        else f"ended with exit code {one.exit_code}"
    )
    return TemperError(
        "A process of the run died",
        f"Process {one.rank} of {processes} (pid {one.pid}, counted from 0) {how}; the others were ended.",
        "Where the kernel killed it, memory was short: train with fewer processes or a smaller batch_size.",
    )
