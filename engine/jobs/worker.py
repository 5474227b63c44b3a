"""The worker process: `python -m engine.jobs.worker RUN_FOLDER`.

Takes the lock, writes `started`, queues for the device, and only then imports what the job needs. Ends
with a `finished` event whatever happens, unless it is killed: then the missing event says so.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from engine import offline
from engine.jobs import kinds
from engine.jobs.context import JobContext, Stopped, failure_of
from engine.jobs.queue import device_name, programs_on_gpu, wait_for_device
from store.leases import DeviceLease, Holder
from store.locks import FileLock
from store.records.events import Failure, Finished, Lease, Queued, Started
from store.runs import EventWriter, RunFolder

log = logging.getLogger("temper.worker")


def main(path: Path) -> int:
    """Run the job of the folder `path`. Exit code 0 when it finished, 1 otherwise."""
    folder = RunFolder(path)
    lock = FileLock(folder.lock)
    if not lock.acquire(timeout=5.0):
        log.error("another worker already runs %s", folder.run_id)
        return 1
    spec = folder.spec()
    writer = EventWriter(folder)
    context = JobContext(folder, spec, writer)
    context.emit(Started(run_id=spec.run_id, job=spec.job, pid=os.getpid()))
    finished = work(context)
    context.emit(finished)
    writer.close()
    lock.release()
    return 0 if finished.status == "finished" else 1


def work(context: JobContext) -> Finished:
    """Queue for the device if the job needs it, do the job, and say how it ended."""
    kind = context.spec.job
    lease = DeviceLease(device_name() if kinds.needs_device(kind) else "none")
    try:
        if kinds.needs_device(kind):
            queue_for(context, lease)
        else:
            context.emit(Lease(device="none"))
        context.check_stop()
        return Finished(status="finished", result=kinds.load(kind)(context))
    except (Stopped, KeyboardInterrupt):
        return Finished(status="cancelled")
    except BaseException as error:
        traceback.print_exc()
        shown = failure_of(error)
        failure = Failure(shown.title, shown.happened, shown.remedy, int(shown.exit_code))
        return Finished(status="failed", error=failure)
    finally:
        lease.release()


def queue_for(context: JobContext, lease: DeviceLease) -> None:
    """Hold the lease when this returns; every holder in the way becomes an event."""
    spec = context.spec

    def claim() -> bool:
        return lease.acquire(os.getpid(), spec.run_id, spec.workspace)

    def on_wait(holder: Holder) -> None:
        context.emit(Queued(device=lease.device, holder=holder.what, since=holder.since))

    waited = wait_for_device(lease, claim, on_wait, context.check_stop)
    context.device = lease.device
    context.emit(Lease(device=lease.device, waited_seconds=round(waited, 3)))
    if lease.device != "cpu":
        # The queue is ours, so what still holds memory is not Temper: look there first when it runs out.
        for one in programs_on_gpu():
            context.notice(
                "Another program uses the GPU", f"{one.name} (pid {one.pid}), {one.memory}", warn=True
            )


def stop_like_the_user(number: int, frame: FrameType | None) -> None:
    """SIGTERM is a polite request too: the same as `temper runs stop`."""
    RunFolder(Path(sys.argv[1])).request_stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    offline.guard()
    signal.signal(signal.SIGTERM, stop_like_the_user)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal stops watching, never the run
    sys.exit(main(Path(sys.argv[1])))
