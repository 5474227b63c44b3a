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
from contextlib import suppress
from pathlib import Path
from types import FrameType

from engine import offline
from engine.jobs import kinds
from engine.jobs.context import JobContext, Stopped, failure_of
from engine.jobs.queue import devices, keep_to, programs_on_gpu, wait_for_device
from store.leases import DeviceLease, Holder
from store.locks import FileLock
from store.records.events import Failure, Finished, Lease, Queued, Started
from store.records.runs import RunSpec
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
    leases = [DeviceLease(name) for name in devices_of(context.spec)]
    try:
        if leases:
            queue_for(context, leases)
        else:
            context.emit(Lease(device="none"))
        context.check_stop()
        return Finished(status="finished", result=kinds.load(kind)(context))
    except (Stopped, KeyboardInterrupt):
        return Finished(status="cancelled")
    except BaseException as error:
        with suppress(OSError):  # the log may lie on a full disk; how the run ended is said all the same
            traceback.print_exc()
        shown = failure_of(error)
        failure = Failure(shown.title, shown.happened, shown.remedy, int(shown.exit_code))
        return Finished(status="failed", error=failure)
    finally:
        for lease in leases:
            lease.release()


def devices_of(spec: RunSpec) -> list[str]:
    """The devices that the job takes; parameters that name `processes` take one for each."""
    return devices(int(spec.params.get("processes", 1))) if kinds.needs_device(spec.job) else []


def queue_for(context: JobContext, leases: list[DeviceLease]) -> None:
    """Hold all leases when this returns; every holder in the way becomes an event."""
    waited = sum(queue_for_one(context, lease) for lease in leases)
    context.device = leases[0].device
    keep_to([lease.device for lease in leases])
    names = ",".join(lease.device for lease in leases)
    context.emit(Lease(device=names, waited_seconds=round(waited, 3)))
    if context.device != "cpu":
        # The queue is ours, so what still holds memory is not Temper: look there first when it runs out.
        for one in programs_on_gpu():
            context.notice(
                "Another program uses the GPU", f"{one.name} (pid {one.pid}), {one.memory}", warn=True
            )


def queue_for_one(context: JobContext, lease: DeviceLease) -> float:
    """Hold the lease when this returns; the seconds that it took."""
    spec = context.spec

    def claim() -> bool:
        return lease.acquire(os.getpid(), spec.run_id, spec.workspace)

    def on_wait(holder: Holder) -> None:
        context.emit(Queued(device=lease.device, holder=holder.what, since=holder.since))

    return wait_for_device(lease, claim, on_wait, context.check_stop)


def stop_like_the_user(number: int, frame: FrameType | None) -> None:
    """SIGTERM is a polite request too: the same as `temper runs stop`."""
    RunFolder(Path(sys.argv[1])).request_stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    offline.guard()
    signal.signal(signal.SIGTERM, stop_like_the_user)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal stops watching, never the run
    sys.exit(main(Path(sys.argv[1])))
