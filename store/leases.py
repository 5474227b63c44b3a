"""The right to use the GPU: one lock file per device, for the whole machine. Waiting for it is the queue.

Who holds it, and since when, is written in the lock file for those who wait. Does not know what a
device is used for, nor how to make an idle server let go (engine.jobs.queue does).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from store import clock
from store.locks import FileLock, is_locked
from store.paths import runtime_dir


class Holder(msgspec.Struct):
    """Who holds a device. `server` is the path of the server.json of a server, else empty."""

    pid: int
    what: str
    since: str
    workspace: str = ""
    server: str = ""


class DeviceLease:
    """The lease of one device: `cpu` or a GPU's UUID."""

    def __init__(self, device: str, directory: Path | None = None) -> None:
        self.device = device
        name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in device)
        self.path = (directory or runtime_dir()) / f"gpu-{name}.lock"
        self._lock = FileLock(self.path)

    @property
    def held(self) -> bool:
        """Whether this object holds the lease."""
        return self._lock.held

    def acquire(self, pid: int, what: str, workspace: str = "", server: str = "") -> bool:
        """Take the lease without waiting; False when somebody else has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._lock.acquire():
            return False
        holder = Holder(pid, what, clock.stamp(), workspace, server)
        self._lock.write(msgspec.json.encode(holder))
        return True

    def holder(self) -> Holder | None:
        """Who holds the lease now; None when nobody does (or it is changing hands)."""
        if not is_locked(self.path):
            return None
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Holder)
        except (OSError, msgspec.MsgspecError):
            return None

    def release(self) -> None:
        """Give the lease back."""
        self._lock.release()
