"""Human decisions on disk: `labels/<kind>.jsonl`, append-only plain text that belongs in git.

A decision that was acknowledged survives a power cut; a half-written one is never read. Does not know
what a label leads to.
"""

from __future__ import annotations

import fcntl
import getpass
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from store import atomic, clock
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.labels import Label, LabelKind

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Label)


def append(paths: WorkspacePaths, label: Label) -> Label:
    """Write one decision; `by` and `time` are filled in where empty. Several processes may append at once."""
    if not label.by or not label.time:
        label = msgspec.structs.replace(label, by=label.by or user_name(), time=label.time or clock.stamp())
    path = label_file(paths, label.kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            start = _mend_end(file.fileno())
            file.write(start + _encoder.encode(label) + b"\n")
            os.fsync(file.fileno())
    except OSError as error:
        raise atomic.disk_error(error, path) from error
    return label


def read(paths: WorkspacePaths, kind: LabelKind) -> list[Label]:
    """All decisions of a kind, oldest first. A torn last line is passed over.

    Raises UsageError for any other line that is no label: a decision is never lost in silence.
    """
    path = label_file(paths, kind)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    labels = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            labels.append(_decoder.decode(line))
        except msgspec.MsgspecError as error:
            if number == len(lines):
                break
            raise UsageError(
                "A label cannot be read", f"{path}, line {number}: {error}.", "Mend or remove that line."
            ) from error
    return labels


def latest(labels: Iterable[Label]) -> dict[str, Label]:
    """The decision that holds for each target: the last one made, wherever a merge of two branches put it."""
    return {label.target: label for label in sorted(labels, key=lambda label: label.time)}


def label_file(paths: WorkspacePaths, kind: LabelKind) -> Path:
    """Where decisions of a kind are kept."""
    return paths.labels / f"{kind}.jsonl"


def user_name() -> str:
    """Who decides: the login name, or the user id where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _mend_end(descriptor: int) -> bytes:
    """Make the end of the file fit to append to; returns what must be written first.

    A last line without newline is either whole (somebody's editor left the newline off) and kept, or what a
    kill in mid-write left, never acknowledged to anyone, and cut.
    """
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return b""
    tail = os.pread(descriptor, size, 0)
    begin = tail.rfind(b"\n") + 1
    try:
        _decoder.decode(tail[begin:])
    except msgspec.MsgspecError:
        os.ftruncate(descriptor, begin)
        return b""
    return b"\n"
