"""The files that the ledger is made from, and what is new in each: whole lines behind a stored offset.

A source is `runs/RUN/events.jsonl`, `runs/RUN/results.jsonl` or `traces/*.jsonl`, named by its path in
`.temper`. All are append-only, so one number says how far a file was read. Does not know tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

from store.paths import WorkspacePaths
from store.runs import RunFolder

SourceKind = Literal["events", "results", "traces"]
CHUNK_BYTES = 1 << 25  # what is read, decoded and written at a time: bounds memory, far above any line

T = TypeVar("T")


class Source(msgspec.Struct, frozen=True):
    """One file. `owner` is the run's id, for traces the file's name; `size` is 0 where it is not there."""

    name: str
    kind: SourceKind
    owner: str
    path: Path
    size: int


class Known(msgspec.Struct, frozen=True):
    """How far a source of `size` bytes was folded, and how many of its lines could not be read."""

    kind: SourceKind
    owner: str
    offset: int = 0
    size: int = 0
    unreadable: int = 0


class Lines(msgspec.Struct, Generic[T]):
    """New records of a source. `offset` is behind the last line; `unreadable` lines were passed over."""

    records: list[T]
    offset: int
    unreadable: int


def find(paths: WorkspacePaths) -> Iterator[Source]:
    """Every source there is now, in the order of names. A run without events yet has one too."""
    for path in _entries(paths.runs):
        if (path / "spec.json").is_file():
            folder = RunFolder(path)
            yield _source(paths, "events", folder.run_id, folder.events)
            if folder.results.is_file():
                yield _source(paths, "results", folder.run_id, folder.results)
    for path in _entries(paths.traces):
        if path.suffix == ".jsonl" and path.is_file():
            yield _source(paths, "traces", path.name, path)


def new_lines(path: Path, offset: int, decoder: msgspec.json.Decoder[T]) -> Iterator[Lines[T]]:
    """Whole lines from `offset` on, a chunk at a time; what stands behind the last newline is left for later.

    A line that is not what `decoder` expects (a newer Temper's kind of event, a damaged file) is counted.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        while data := file.read(CHUNK_BYTES):
            while b"\n" not in data and (more := file.read(CHUNK_BYTES)):
                data += more
            end = data.rfind(b"\n") + 1
            if end == 0:
                return
            offset += end
            file.seek(offset)
            records, unreadable = _decode(data[:end], decoder)
            yield Lines(records, offset, unreadable)


def _decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[list[T], int]:
    lines = data.split(b"\n")[:-1]
    try:
        return [decoder.decode(line) for line in lines], 0
    except msgspec.MsgspecError:
        pass
    records = []
    for line in lines:
        try:
            records.append(decoder.decode(line))
        except msgspec.MsgspecError:
            continue
    return records, len(lines) - len(records)


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, without names that begin with a dot: those are still being written."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name[0] != ".")


def _source(paths: WorkspacePaths, kind: SourceKind, owner: str, path: Path) -> Source:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    return Source(path.relative_to(paths.derived).as_posix(), kind, owner, path, size)
