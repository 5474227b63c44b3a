"""A dataset version made from another: its rows as they stream by, and a record of what was done to them.

Nothing is edited in place. A version that was made from the same parent and holds the same rows is found
instead of being made again. Does not know what is done to the rows (engine.data.fixing).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from store import clock, datasets, example_table
from store.errors import RefusedError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Edit, Example


class Derived(msgspec.Struct):
    """A version and whether it was made now: False where an equal one, or the parent itself, does."""

    info: DatasetInfo
    new: bool


class _Known(Exception):
    """Ends the writing of a version that is there already."""

    def __init__(self, info: DatasetInfo) -> None:
        self.info = info


def derive(
    paths: WorkspacePaths, parent: DatasetInfo, rows: Iterable[Example], edits: Callable[[], list[Edit]]
) -> Derived:
    """Publish `rows` as the next version, made from `parent`. `edits` is asked when all rows have gone by.

    Call inside `store.datasets.editing`. Raises RefusedError where no row to train on is left.
    """

    def write(folder: Path, version: int) -> DatasetInfo:
        sha256, splits = _write(folder / datasets.ROWS, rows)
        if known := _same_rows(paths, parent, sha256):
            raise _Known(known)
        _refuse_empty(parent, splits)
        return msgspec.structs.replace(
            parent,
            version=version,
            parent=identity(parent),
            edits=edits(),
            sha256=sha256,
            splits={name: splits[name] for name in parent.splits if name in splits},
            rows_in=parent.rows_kept,
            rows_kept=splits.total(),
            dropped=[],
            dropped_rows=0,
            created=clock.stamp(),
        )

    try:
        return Derived(datasets.publish(paths, parent.name, write), new=True)
    except _Known as known:
        return Derived(known.info, new=False)


def identity(info: DatasetInfo) -> str:
    """`chats@2`."""
    return f"{info.name}@{info.version}"


def _write(path: Path, rows: Iterable[Example]) -> tuple[str, Counter[str]]:
    """The rows in a file; their hash and how many each split has."""
    content = hashlib.sha256()
    splits: Counter[str] = Counter()
    with example_table.Writer(path) as writer:
        for example in rows:
            writer.add(example)
            splits[example.split] += 1
            content.update(f"{example.row}\t{example.split}\n".encode())
    return content.hexdigest(), splits


def _same_rows(paths: WorkspacePaths, parent: DatasetInfo, sha256: str) -> DatasetInfo | None:
    if sha256 == parent.sha256:
        return parent
    infos = (datasets.load_info(paths, parent.name, n) for n in datasets.versions(paths, parent.name))
    return next((one for one in infos if one.parent == identity(parent) and one.sha256 == sha256), None)


def _refuse_empty(parent: DatasetInfo, splits: Counter[str]) -> None:
    if not splits["train"] and parent.splits.get("train"):
        raise RefusedError(
            "Nothing to train on would be left",
            f"All {parent.splits['train']:,} rows of the train split of {identity(parent)} would go.",
            "Ask for less, or mend the source and import it again. Nothing was made.",
        )
