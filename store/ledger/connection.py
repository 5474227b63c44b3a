"""Opening the ledger's file: one process at a time, in turn, with patience, and clear errors.

DuckDB locks its file both ways between processes and refuses at once. So whoever opens it takes a turn
first; the file's own lock is then only held by programs that are not Temper, which are waited for too.
Does not know what is in the file.
"""

from __future__ import annotations

import errno
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from store import atomic
from store.errors import BusyError, TemperError
from store.locks import FileLock
from store.paths import WorkspacePaths

if TYPE_CHECKING:
    import duckdb

Setting = str | bool | int | float | list[str]

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.002
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.25

# Nothing may be fetched or loaded behind the user's back, on either kind of connection.
_SEALED: dict[str, Setting] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_SHUT_IN: dict[str, Setting] = _SEALED | {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # else a query could read this program's variables
    "lock_configuration": "true",
}
_HOLDER = re.compile(r"Conflicting lock is held in (.+?) \(PID (\d+)\)")


@contextmanager
def turn(paths: WorkspacePaths) -> Iterator[None]:
    """Hold the right to open the ledger. Raises BusyError with the holder's pid when it does not come.

    Whoever waits for the lock holds the queue meanwhile, so a process that comes back at once cannot pass it.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    queue = FileLock(paths.derived / "ledger.queue")
    lock = FileLock(paths.derived / "ledger.lock")
    try:
        first = queue.acquire(PATIENCE_SECONDS, POLL_SECONDS)
        mine = first and lock.acquire(max(0.0, deadline - time.monotonic()), POLL_SECONDS)
        queue.release()
    except OSError as error:
        raise atomic.disk_error(error, lock.path) from error
    if not mine:
        raise _busy(_noted_pid(lock.path), "another Temper process")
    try:
        lock.write(str(os.getpid()).encode())
        yield
    finally:
        lock.release()


@contextmanager
def writing(paths: WorkspacePaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """The ledger, open for writing until the block ends. Call it inside `turn`."""
    with _opened(paths.ledger, read_only=False, config=_SEALED) as ledger:
        yield ledger


@contextmanager
def reading(paths: WorkspacePaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """The ledger, read-only, without access to anything outside it. Call it inside `turn`."""
    with _opened(paths.ledger, read_only=True, config=_SHUT_IN) as ledger:
        yield ledger


@contextmanager
def transaction(ledger: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block or nothing of it, also when the process is killed in it."""
    ledger.execute("BEGIN")
    try:
        yield
    except BaseException:
        ledger.execute("ROLLBACK")
        raise
    ledger.execute("COMMIT")


@contextmanager
def _opened(
    path: Path, *, read_only: bool, config: dict[str, Setting]
) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    connection = _connect(path, read_only=read_only, config=config)
    try:
        yield connection
    except duckdb.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()


def _connect(path: Path, *, read_only: bool, config: dict[str, Setting]) -> duckdb.DuckDBPyConnection:
    import duckdb

    deadline, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.Error as error:
            shown = explain(error, path)
            if not isinstance(shown, BusyError) or time.monotonic() > deadline:
                raise shown from error
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(2 * pause, LONGEST_PAUSE)


def explain(error: Exception, path: Path) -> TemperError:
    """What a user is told of an error of DuckDB's that no query caused."""
    text = str(error)
    if "Could not set lock on file" in text:
        holder = _HOLDER.search(text)
        return _busy(holder[2], holder[1]) if holder else _busy(None, "another program")
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        if os.strerror(code).lower() in text.lower():
            return atomic.disk_error(OSError(code, os.strerror(code)), path)
    return TemperError(
        "The results cannot be read",
        f"{path}: {text}",
        "Delete that file and run the command again: it is made anew from the runs, and nothing is lost.",
    )


def _busy(pid: str | None, program: str) -> BusyError:
    return BusyError(
        "The results are in use by another program",
        f"{program} (pid {pid or 'unknown'}) has held them for more than {PATIENCE_SECONDS:.0f} s.",
        "Wait for it to end or close it, then run the command again.",
    )


def _noted_pid(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii") or None
    except (OSError, UnicodeDecodeError):
        return None
