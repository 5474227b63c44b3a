"""A warm worker: it has imported what training needs before there is a run, and waits to be handed one.

`python -P -m engine.jobs.warm OBJECTIVE` is the process, `WarmWorker` the side that starts it and hands it a
run's folder. From then on it is the worker of engine.jobs.worker: lock, `started`, the GPU queue, the job. It
holds no lease while it waits, only main memory. Nothing depends on it: where there is none, or it has died,
the run gets a worker of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from engine import detached, offline
from engine.jobs import launch, worker
from store.errors import TemperError
from store.runs import RunFolder

IDLE_SECONDS = 600.0
"""It ends by itself when nothing was asked of it for so long."""
LEAST_FREE = 3 << 30
"""Bytes of main memory below which none is started: what it holds would be missed."""

_TAIL = 1 << 16


class Ready(msgspec.Struct):
    """What a warm worker says once it is: how long it took, and what it holds of main memory now."""

    seconds: float
    memory_bytes: int


class WarmWorker:
    """One warm worker, from outside. Belongs to one thread at a time; `close` unless a run has taken it."""

    def __init__(self, objective: str) -> None:
        """Start the process. It is `ready` some seconds later."""
        self._environment = dict(os.environ)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # goes on into the log of the run that it takes
        command = [sys.executable, "-P", "-m", "engine.jobs.warm", objective]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=launch.environment(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._words = b""
        self._objective = objective
        self._ready: Ready | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still become ready, or is."""
        return self._process.poll() is None

    @property
    def ready(self) -> Ready | None:
        """What it said when it had imported everything; None before, and when it is gone."""
        if self._ready is None and self._process.stdout is not None and not self._process.stdout.closed:
            self._words += self._process.stdout.read() or b""
            if b"\n" in self._words:
                self._ready = msgspec.json.decode(self._words.partition(b"\n")[0], type=Ready)
        return self._ready if self.alive else None

    def prepare(self, objective: str) -> None:
        """The run will have this objective: import what it needs besides. A sign of life too."""
        if objective != self._objective and self._say(f"prepare {objective}"):
            self._objective = objective

    def begin(self, folder: RunFolder) -> bool:
        """Hand it a run; True once it has written `started`.

        False where it was not ready, has died meanwhile, or where the environment is another than the one it
        began in: nothing of it is left then, and the run needs a worker of its own.
        """
        fit = self.ready is not None and self._environment == dict(os.environ)
        if not (fit and self._say(f"run {folder.path}")):
            self.close()
            return False
        self._let_go()
        detached.hold(self._process)
        try:
            launch.await_start(folder, self._process)
        except TemperError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """End it, and wait until it is gone: its memory and every lock are free then."""
        self._let_go()
        if self.alive:
            self._process.kill()
        self._process.wait()

    def _say(self, line: str) -> bool:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, or was let go
            return False
        return True

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def start(objective: str) -> WarmWorker | None:
    """A warm worker, or None where main memory is too short for one."""
    import psutil  # here, like everything that a worker does not need before it has the device

    return WarmWorker(objective) if psutil.virtual_memory().available >= LEAST_FREE else None


def load(objective: str) -> None:
    """Import what a training run of that objective does. What cannot be imported, the run itself tells."""
    from engine.training import late_compile

    late_compile.import_bitsandbytes()
    importlib.import_module("engine.jobs.train")
    importlib.import_module("engine.training.session")
    if room := importlib.import_module("engine.training.objectives").room_of(objective):
        importlib.import_module(room)


def wait(objective: str) -> int:
    """Be warm until there is a run, then be its worker. The exit code."""
    begin = time.monotonic()
    told = os.dup(1)
    os.dup2(2, 1)  # what libraries print while they are imported is no message
    load(objective)
    os.write(told, msgspec.json.encode(Ready(round(time.monotonic() - begin, 2), resident())) + b"\n")
    os.close(told)
    heard = b""
    while select.select([0], [], [], IDLE_SECONDS)[0]:
        said = os.read(0, 4096)
        if not said:
            return 0  # nobody is there any more who could hand it a run
        *lines, heard = (heard + said).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "run":
                return become(Path(rest))
            load(rest)
    return 0


def become(path: Path) -> int:
    """The worker of a run folder, as if it had been started for it."""
    sys.argv[1:] = [str(path)]  # where the worker's signal handler looks
    before = os.pread(2, _TAIL, 0)
    log, nothing = (
        os.open(RunFolder(path).log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666),
        os.open(os.devnull, 0),
    )
    os.write(log, before)
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    os.close(log)
    os.close(nothing)
    os.chdir(path)
    signal.signal(signal.SIGTERM, worker.stop_like_the_user)
    return worker.main(path)


def resident() -> int:
    """Bytes of main memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    offline.guard()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(wait(sys.argv[1]))
