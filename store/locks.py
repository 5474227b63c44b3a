"""Locks that the kernel frees when their process dies, however it dies.

Open-file-description locks on small files (flock). A pid in a file would lie after kill -9; these do not.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

# `is_locked` shares the lock for microseconds while it looks; who meets only that tries again for this long.
LOOKERS_SECONDS = 5.0
LOOKERS_PAUSE = 0.001


class FileLock:
    """An exclusive lock on a file, held from `acquire` to `release` or the end of the process.

    The file is left in place: deleting a lock file lets two holders exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self, timeout: float = 0.0, poll: float = 0.02) -> bool:
        """Take the lock, trying for `timeout` seconds. False when somebody else still holds it.

        What the last holder left in the file is gone then.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Close-on-exec is Python's default: a child started meanwhile must not keep the lock alive.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        begin = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Those who only look are in the way for a moment each, and are no reason to give up.
                held = is_locked(self.path)
                if time.monotonic() - begin >= (timeout if held else max(timeout, LOOKERS_SECONDS)):
                    os.close(descriptor)
                    return False
                time.sleep(poll if held else LOOKERS_PAUSE)
                continue
            os.ftruncate(descriptor, 0)
            self._descriptor = descriptor
            return True

    def write(self, data: bytes) -> None:
        """Leave a note in the file for those who wait. Only while held."""
        if self._descriptor is None:
            raise RuntimeError("write() needs the lock")
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether a live process holds the lock on `path`. A shared probe, so that many can look at once."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
