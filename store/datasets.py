"""Datasets on disk: `.temper/datasets/NAME/vN/` with rows.parquet and info.json, each version immutable.

Finds and reads versions, and publishes new ones whole. Does not know where rows come from (engine.data), nor
how they lie in a file (store.example_table).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from store import atomic, example_table
from store.errors import BusyError, UsageError
from store.example_table import damaged
from store.locks import FileLock
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Dropped, Example

ROWS = "rows.parquet"
INFO = "info.json"
DROPPED = "dropped.jsonl"
LOCK_SECONDS = 10.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Reference(msgspec.Struct, frozen=True):
    """`name[@version][/split]`, taken apart. `version` None is the newest, `split` None is train."""

    name: str
    version: int | None = None
    split: str | None = None


def parse_reference(text: str) -> Reference:
    """The parts of `name[@version][/split]`. Raises UsageError where it is written differently."""
    whole, _, split = text.partition("/")
    name, at, version = whole.partition("@")
    version = version.removeprefix("v")
    if not _NAME.fullmatch(name) or (at and not version.isdecimal()) or "/" in split:
        raise UsageError(
            "That names no dataset",
            f"{text!r} is not written like chats, chats@2, chats/heldout or chats@2/heldout.",
            "See the datasets there are with: temper data list",
        )
    return Reference(name, int(version) if at else None, split or None)


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be a dataset's name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            "That cannot be a dataset's name",
            f"{name!r} has other characters than letters, digits, dot, dash and underscore.",
            "Choose another with --as NAME.",
        )


def names(paths: WorkspacePaths) -> list[str]:
    """All datasets that have been imported, by name."""
    if not paths.datasets.is_dir():
        return []
    return sorted(folder.name for folder in paths.datasets.iterdir() if versions(paths, folder.name))


def versions(paths: WorkspacePaths, name: str) -> list[int]:
    """The versions of a dataset, oldest first; none where it was never imported."""
    folder = paths.datasets / name
    if not folder.is_dir():
        return []
    found = [path.name[1:] for path in folder.iterdir() if path.name[0] == "v" and (path / INFO).is_file()]
    return sorted(int(number) for number in found if number.isdecimal())


def version_folder(paths: WorkspacePaths, name: str, version: int) -> Path:
    """Where a version lies."""
    return paths.datasets / name / f"v{version}"


def load_info(paths: WorkspacePaths, name: str, version: int | None = None) -> DatasetInfo:
    """The record of a version, the newest when left out. Raises UsageError with what there is."""
    known = versions(paths, name)
    if not known:
        others = names(paths)
        close = difflib.get_close_matches(name, others, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"No dataset is called {name!r}",
            f"Imported so far: {', '.join(others) or 'none'}.{hint}",
            f"Import it with: temper data import FILE --as {name}",
        )
    if version is not None and version not in known:
        raise UsageError(
            f"{name} has no version {version}",
            f"It has {', '.join(str(number) for number in known)}.",
            f"Leave the version out for the newest: {name}",
        )
    path = version_folder(paths, name, version or known[-1]) / INFO
    try:
        return msgspec.json.decode(path.read_bytes(), type=DatasetInfo)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(path, error) from error


def read_rows(paths: WorkspacePaths, reference: str) -> list[Example]:
    """The rows that `name[@version][/split]` means, in the order of the source.

    Newest version and train split when left out; `name/all` is every split. Raises UsageError for what
    is unknown.
    """
    return list(iterate_rows(paths, reference))


def iterate_rows(paths: WorkspacePaths, reference: str) -> Iterator[Example]:
    """`read_rows`, a batch in memory at a time."""
    asked = parse_reference(reference)
    info = load_info(paths, asked.name, asked.version)
    split = check_split(info, asked.split)
    for example in example_table.read(version_folder(paths, info.name, info.version) / ROWS):
        if split in ("all", example.split):
            yield example


def check_split(info: DatasetInfo, split: str | None) -> str:
    """The split to read, train when None. Raises UsageError where the version has no such split."""
    split = split or "train"
    if split != "all" and split not in info.splits:
        raise UsageError(
            f"{info.name}@{info.version} has no split {split!r}",
            f"It has {', '.join(info.splits)} (and all).",
            f"Make one with: temper data split {info.name} --heldout 0.1",
        )
    return split


def read_dropped(paths: WorkspacePaths, info: DatasetInfo) -> list[Dropped]:
    """All rows of the source that are not in the version, in order. Raises TemperError when it is damaged."""
    path = version_folder(paths, info.name, info.version) / DROPPED
    if info.dropped_rows <= len(info.dropped):
        return info.dropped
    try:
        return msgspec.json.Decoder(Dropped).decode_lines(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(path, error) from error


@contextmanager
def editing(paths: WorkspacePaths, name: str) -> Iterator[None]:
    """Be the only process that adds versions to a dataset. Raises BusyError when another stays at it."""
    check_name(name)
    lock = FileLock(paths.datasets / f".{name}.lock")
    if not lock.acquire(timeout=LOCK_SECONDS):
        raise BusyError(
            f"{name} is being imported by another process",
            f"It has held the dataset for {LOCK_SECONDS:.0f} s.",
            "Wait for it to end, then run the command again.",
        )
    try:
        yield
    finally:
        lock.release()


def publish(paths: WorkspacePaths, name: str, write: Callable[[Path, int], DatasetInfo]) -> DatasetInfo:
    """Make the next version: `write(folder, version)` puts ROWS into the folder and returns the record.

    Appears whole or not at all. Call inside `editing`.
    """
    known = versions(paths, name)
    version = known[-1] + 1 if known else 1
    with atomic.new_directory(version_folder(paths, name, version)) as folder:
        info = write(folder, version)
        atomic.write_bytes(folder / INFO, msgspec.json.format(msgspec.json.encode(info)))
    return info
