"""A warm worker beside the training form: started in a thread, described in a few words, taken by one run.

Knows no widget. What a warm worker is, is engine.jobs.warm's business.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from app.tui.words import size

if TYPE_CHECKING:
    from engine.jobs.warm import WarmWorker

COLD = "memory is short: no worker is warmed"


class Warming:
    """`open`, `prepare` and `words` never wait; `take` gives the worker away, `close` ends it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._worker: WarmWorker | None = None
        self._objective = ""
        self._over = False
        self._short = False

    def open(self, objective: str) -> None:
        """Begin to warm one."""
        self._objective = objective
        threading.Thread(target=self._start, name="warming", daemon=True).start()

    def prepare(self, objective: str) -> None:
        """The form says another objective now."""
        with self._turn:
            self._objective = objective
            if self._worker is not None:
                self._worker.prepare(objective)

    def words(self) -> str:
        """How warm it is, and what that costs."""
        if not self._turn.acquire(blocking=False):  # it is being started
            return "warming a worker …"
        try:
            if self._over or (self._worker is None and not self._short):
                return ""
            if self._worker is None:
                return COLD
            if ready := self._worker.ready:
                return f"worker warm, {size(ready.memory_bytes)}"
            return "warming a worker …" if self._worker.alive else ""
        finally:
            self._turn.release()

    def take(self) -> WarmWorker | None:
        """The worker, for a run; it is nobody else's then."""
        with self._turn:
            self._over = True
            taken, self._worker = self._worker, None
            return taken

    def close(self) -> None:
        """End it, in a thread: a process that goes takes a moment."""
        taken = self.take()
        if taken is not None:
            threading.Thread(target=taken.close, name="cooling", daemon=True).start()

    def _start(self) -> None:
        from engine.jobs import warm

        with self._turn:
            if self._over:
                return
            self._worker = warm.start(self._objective)
            self._short = self._worker is None
