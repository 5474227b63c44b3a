"""One process of a training run in several: `python -m engine.jobs.rank RUN_FOLDER`, by engine.jobs.ranks.

Does what the worker has written down, in concert with the other processes. The first one writes the run's
events meanwhile and looks for a request to stop. Ends as soon as the worker is gone, however that came about.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
import time
import traceback
from pathlib import Path

import msgspec

from engine import offline
from engine.jobs import ranks
from engine.jobs.context import JobContext, failure_of
from engine.models.directory import ModelDirectory
from engine.training.checkpoints import Saved, read_manifest
from store import atomic
from store.errors import TemperError
from store.records.events import Failure
from store.runs import EventWriter, RunFolder


def main(folder: RunFolder, rank: int, processes: int) -> int:
    """Train, and say how it went. Exit code 0 when it went well, 1 otherwise."""
    place = folder.path / ranks.FOLDER
    try:
        result = train(folder, place, rank, processes)
    except BaseException as error:
        traceback.print_exc()
        shown = failure_of(error)
        failure = Failure(shown.title, shown.happened, shown.remedy, int(shown.exit_code))
        told = isinstance(error, TemperError)
        ended = ranks.Ended(rank, failure, told, type(error).__name__, time.time())
        atomic.write_bytes(place / ranks.FAILURE.format(rank), msgspec.json.encode(ended))
        return 1
    if rank == 0:
        atomic.write_bytes(place / ranks.RESULT, result)
    return 0


def train(folder: RunFolder, place: Path, rank: int, processes: int) -> bytes:
    """Do the task; the result as JSON."""
    task = msgspec.msgpack.decode((place / ranks.TASK).read_bytes(), type=ranks.Task)

    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(rank)

    from engine.training import session
    from engine.training.processes import Group, Mute

    path = Path(task.resume)
    result = session.train(
        ModelDirectory(Path(task.base)),
        task.recipe,
        task.data,
        Mute() if rank else JobContext(folder, folder.spec(), EventWriter(folder)),
        folder.path,
        Path(task.out),
        resume=Saved(path, read_manifest(path)) if task.resume else None,
        inputs=task.inputs,
        start=Path(task.start) if task.start else None,
        group=Group(rank, processes),
    )
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return msgspec.json.encode(result)


def end_with(worker: int) -> None:
    """From now on end when the process `worker` does: it holds the run's lock and the devices.

    Raises ProcessLookupError where it is gone already.
    """
    watched = os.pidfd_open(worker)
    if os.getppid() != worker:  # it went before the line above, and another process has its number
        raise ProcessLookupError(worker)

    def watch() -> None:
        select.select([watched], [], [])  # readable when the process has ended
        os._exit(1)

    threading.Thread(target=watch, name="end-with-worker", daemon=True).start()


if __name__ == "__main__":
    number, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s process {number} %(name)s %(message)s", stream=sys.stderr
    )
    end_with(int(os.environ[ranks.WORKER]))
    offline.guard()
    sys.exit(main(RunFolder(Path(sys.argv[1])), number, count))
