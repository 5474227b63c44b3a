"""Files and directories that appear whole or not at all, also after a power cut.

Written under a temporary name in the same folder, synced, renamed. Knows nothing of what is written.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from store.errors import TemperError


def temporary_name(path: Path) -> Path:
    """A sibling of `path` that no other writer uses; readers ignore names that start with a dot."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `data` atomically. Raises TemperError when it fails, leaving `path` as it was."""
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(NotADirectoryError):
            temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error
    sync_directory(path.parent)


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` by UTF-8 `text` atomically."""
    write_bytes(path, text.encode("utf-8"), mode)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `path` when the block ends well and vanishes when it does not.

    An existing `path` is replaced. Errors of the disk come out as TemperError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    temporary.mkdir()
    try:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                sync_file(Path(folder) / name)
            sync_directory(Path(folder))
        if path.exists():
            old = temporary_name(path)
            os.replace(path, old)
            os.replace(temporary, path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(temporary, path)
        sync_directory(path.parent)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise disk_error(error, path) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sync_file(path: Path) -> None:
    """Flush a finished file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Flush a directory's entries to the disk, so that a rename in it survives a power cut."""
    sync_file(path)


def disk_error(error: OSError, path: Path) -> TemperError:
    """What a user is told of a failed write to `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(path.parent).free / 1e6 if path.parent.exists() else 0.0
        return TemperError(
            "The disk is full",
            f"Writing {path.name} to {path.parent} failed; {free:.0f} MB are free there.",
            "Free some space, then run the command again: finished files and checkpoints are intact.",
        )
    return TemperError(
        "A file could not be written",
        f"{path}: {error.strerror or error}.",
        "Check that the folder exists and belongs to you, then run the command again.",
    )
