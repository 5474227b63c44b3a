"""Knowledge bases on disk: immutable generations, and a pointer to the one in use.

    .temper/knowledge/KB/
        current             the number of the published generation, swapped atomically
        publish.lock        held by the one process that makes the next
        embedded/           vectors computed for a generation that is not there yet
        generations/N/      manifest.json, documents.parquet, chunks.parquet (texts and vectors), lexical/,
                            chroma/ where there are many, readers.lock

A generation is never edited: a Chroma directory that another process writes to gives wrong results. Does not
know how documents become chunks, nor how chunks are ranked.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from store import atomic, chunk_table, clock, document_table, vector_index
from store.errors import BusyError, MissingError, TemperError, UsageError
from store.hashing import sha256_of_text
from store.locks import FileLock, is_locked
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, DocumentRecord, Manifest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from store.vector_index import VectorIndex

KEPT = 2
"""Newest generations that stay, unless the settings say more: one is there to roll back to."""

LEXICAL = "lexical"
"""The folder of a generation's index of words."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_POINTER = "current"
_MANIFEST = "manifest.json"
_READERS = "readers.lock"


class Holder(msgspec.Struct):
    """Who makes the next generation of a knowledge base."""

    pid: int
    what: str
    since: str


def check_name(kb: str) -> None:
    """Raise UsageError unless `kb` can be a knowledge base's name: it becomes a folder's."""
    if not _NAME.fullmatch(kb):
        raise UsageError(
            "That cannot be a knowledge base's name",
            f"{kb!r} has other characters than letters, digits, dot, dash and underscore.",
            "Choose another with --kb NAME, or rename its table in temper.toml.",
        )


def names(paths: WorkspacePaths) -> list[str]:
    """Knowledge bases that have been built, by name."""
    if not paths.knowledge.is_dir():
        return []
    return sorted(folder.name for folder in paths.knowledge.iterdir() if (folder / _POINTER).is_file())


def current(paths: WorkspacePaths, kb: str) -> int | None:
    """The number of the published generation; None where none ever was."""
    pointer = paths.knowledge / kb / _POINTER
    try:
        return int(pointer.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise damaged(pointer, kb, error) from error


def generations(paths: WorkspacePaths, kb: str) -> list[int]:
    """The generations that lie on the disk, oldest first."""
    folder = _generations(paths, kb)
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def load_manifest(paths: WorkspacePaths, kb: str) -> Manifest:
    """What the published generation holds. Raises MissingError where there is none."""
    with open_generation(paths, kb) as generation:
        return generation.manifest


class Generation:
    """A published generation opened to read: it stays on the disk until `close`."""

    def __init__(self, kb: str, folder: Path, readers: int) -> None:
        self.kb = kb
        self.folder = folder
        self._readers: int | None = readers
        try:
            self.manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError) as error:
            self.close()
            raise damaged(folder / _MANIFEST, kb, error) from error

    def chunks(self) -> list[Chunk]:
        """All chunks, in the order of the vectors."""
        try:
            return chunk_table.read_chunks(self.folder)
        except (OSError, ValueError) as error:  # Arrow's own errors are ValueErrors
            raise damaged(self.folder / chunk_table.FILE, self.kb, error) from error

    def documents(self) -> list[DocumentRecord]:
        """The documents, by name; none in a generation of an earlier version."""
        try:
            return document_table.read(self.folder)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise damaged(self.folder / document_table.FILE, self.kb, error) from error

    def vectors(self) -> npt.NDArray[np.float32]:
        """The vectors [chunks, dimension]."""
        try:
            return chunk_table.read_vectors(self.folder, self.manifest.dimension)
        except (OSError, ValueError) as error:
            raise damaged(self.folder / chunk_table.FILE, self.kb, error) from error

    def vector_index(self) -> VectorIndex:
        """The vectors in Chroma, here or on a server, to be closed before this is."""
        return vector_index.open_index(self.folder, self.manifest.chroma, self.collection)

    @property
    def has_graph(self) -> bool:
        """Whether the vectors are in Chroma: where all can be compared, they are in the table alone."""
        return bool(self.manifest.chroma) or (self.folder / vector_index.FOLDER).is_dir()

    @property
    def collection(self) -> str:
        """What the vectors are called on a Chroma server."""
        return collection_name(self.folder.parents[1], self.manifest.generation)

    def close(self) -> None:
        """Let the generation be removed once it is old."""
        if self._readers is not None:
            os.close(self._readers)
            self._readers = None

    def __enter__(self) -> Generation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_generation(paths: WorkspacePaths, kb: str, number: int | None = None) -> Generation:
    """The generation that the pointer names now, or `number`.

    Raises MissingError where none was ever published, or `number` is not there.
    """
    if number is not None:
        folder = _generations(paths, kb) / str(number)
        if (readers := _share(folder / _READERS)) is None:
            raise _no_generation(paths, kb, number)
        return Generation(kb, folder, readers)
    while True:
        number = current(paths, kb)
        if number is None:
            raise MissingError(
                f"Knowledge base {kb!r} was never built",
                f"{paths.knowledge / kb} holds no published generation.",
                f"Build it with: temper kb ingest --kb {kb}",
            )
        folder = _generations(paths, kb) / str(number)
        if (readers := _share(folder / _READERS)) is not None:
            return Generation(kb, folder, readers)
        if current(paths, kb) == number:
            raise damaged(folder, kb, FileNotFoundError("the published generation is not there"))


@contextmanager
def publishing(paths: WorkspacePaths, kb: str, what: str) -> Iterator[None]:
    """Be the only process that makes generations of `kb`; `what` is told to those who find it busy.

    Raises BusyError at once when another one is at it. What a killed one left behind is removed.
    """
    check_name(kb)
    lock = FileLock(paths.knowledge / kb / "publish.lock")
    if not lock.acquire():
        raise _busy(kb, lock.path)
    try:
        lock.write(msgspec.json.encode(Holder(os.getpid(), what, clock.stamp())))
        _remove_leftovers(_generations(paths, kb))
        yield
    finally:
        lock.release()


def publish(
    paths: WorkspacePaths,
    kb: str,
    write: Callable[[Path, int], Manifest],
    keep: int = KEPT,
    before_swap: Callable[[], None] = lambda: None,
) -> Manifest:
    """Make the next generation and point to it: `write(folder, number)` fills the folder.

    Readers see the old one, whole, until the pointer is swapped; a crash at any moment leaves it published.
    `before_swap` is called when everything else is done. Call inside `publishing`.
    """
    number = max([*generations(paths, kb), current(paths, kb) or 0], default=0) + 1
    with atomic.new_directory(_generations(paths, kb) / str(number)) as folder:
        manifest = write(folder, number)
        atomic.write_bytes(folder / _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        (folder / _READERS).touch()
    before_swap()
    _point(paths, kb, number)
    remove_embedded(paths, kb)
    prune(paths, kb, keep)
    return manifest


def roll_back(paths: WorkspacePaths, kb: str, number: int) -> Manifest:
    """Point to generation `number` again. Call inside `publishing`. Raises MissingError where it is gone."""
    with open_generation(paths, kb, number) as generation:  # also looks whether it is whole
        _point(paths, kb, number)
        return generation.manifest


def prune(paths: WorkspacePaths, kb: str, keep: int = KEPT) -> list[int]:
    """Remove generations older than the last `keep` that nobody reads; the numbers removed.

    The published one stays, and one that a reader has open: it holds a shared lock on it, which ends with its
    process. Call inside `publishing`.
    """
    published = current(paths, kb)
    removed = []
    for number in generations(paths, kb)[:-keep]:
        folder = _generations(paths, kb) / str(number)
        if number != published and _remove(folder):
            removed.append(number)
    return removed


def is_building(paths: WorkspacePaths, kb: str) -> bool:
    """Whether a process makes the next generation now."""
    return is_locked(paths.knowledge / kb / "publish.lock")


def embedded_folder(paths: WorkspacePaths, kb: str) -> Path:
    """Where vectors lie that were computed for a generation that is not there yet."""
    return paths.knowledge / kb / "embedded"


def remove_embedded(paths: WorkspacePaths, kb: str) -> None:
    """Remove them: they lie in the published generation now."""
    shutil.rmtree(embedded_folder(paths, kb), ignore_errors=True)


def collection_name(base: Path, number: int) -> str:
    """What generation `number` of the knowledge base in `base` is called on a Chroma server."""
    return f"{collection_prefix(base)}{number}"


def collection_prefix(base: Path) -> str:
    """What all its generations begin with there: other workspaces may use the same server."""
    return f"temper-{sha256_of_text(str(base.resolve()))[:16]}-"


def damaged(path: Path, kb: str, error: Exception) -> TemperError:
    """What a user is told of a knowledge base whose files cannot be read."""
    return TemperError(
        "A knowledge base is damaged",
        f"{path}: {error}",
        f"Remove {path} and build it again: temper kb ingest --kb {kb}",
    )


def _point(paths: WorkspacePaths, kb: str, number: int) -> None:
    atomic.write_text(paths.knowledge / kb / _POINTER, f"{number}\n")


def _no_generation(paths: WorkspacePaths, kb: str, number: int) -> MissingError:
    there = ", ".join(map(str, generations(paths, kb))) or "none"
    return MissingError(
        f"Knowledge base {kb!r} has no generation {number}",
        f"On the disk: {there}. How many stay is `keep` of [knowledge.{kb}].",
        f"Look at them with: temper kb list --kb {kb}",
    )


def _generations(paths: WorkspacePaths, kb: str) -> Path:
    return paths.knowledge / kb / "generations"


def _share(path: Path) -> int | None:
    """A descriptor that holds a shared lock on `path`; None when the file is being removed, or gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if path.exists():  # not renamed between opening and locking
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _remove(folder: Path) -> bool:
    """Remove a generation unless somebody reads it. Whoever opens it meanwhile finds it gone."""
    lock = FileLock(folder / _READERS)
    if not lock.acquire():
        return False
    try:
        doomed = atomic.temporary_name(folder)
        os.replace(folder, doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    finally:
        lock.release()
    return True


def _remove_leftovers(folder: Path) -> None:
    """Remove half-made generations. Safe while the publish lock is held: nobody else makes any."""
    for path in folder.glob(".*.tmp") if folder.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True)


def _busy(kb: str, lock: Path) -> BusyError:
    try:
        holder = msgspec.json.decode(lock.read_bytes(), type=Holder)
        told = f"{holder.what} (pid {holder.pid}) has been at it since {holder.since}."
    except (OSError, msgspec.MsgspecError):
        told = "Another process has just begun."
    return BusyError(
        f"Knowledge base {kb!r} is being built by another process",
        told,
        "Wait for it to end, then run the command again. Searches go on meanwhile.",
    )
