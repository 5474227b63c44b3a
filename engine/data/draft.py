"""A dataset version in the making: rows and drops stream into a folder, then rows are numbered and divided.

Two hashes per row are in memory, and what choosing held-out rows needs. Does not know where rows come from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.data.occurrences import Occurrences
from engine.data.split import SplitKeys, choose_heldout
from store import datasets, example_table
from store.records.data import DatasetInfo, Dropped, Example, ImportOptions

KEPT_DROPS = 1000  # in the version's record; all of them are in its dropped.jsonl
BATCH = 1024


class Drops:
    """Rows that are left out: all of them in a file, the first ones in memory."""

    def __init__(self, path: Path) -> None:
        self.first: list[Dropped] = []
        self.rows = 0
        self._path = path
        self._file: BinaryIO | None = None
        self._encode = msgspec.json.Encoder().encode

    def add(self, dropped: Dropped) -> None:
        """Write one down."""
        self.rows += 1
        if len(self.first) < KEPT_DROPS:
            self.first.append(dropped)
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(self._encode(dropped) + b"\n")

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file is not None:
            self._file.close()


class Draft:
    """The rows of a version, first without their splits: only when all are there can some be held out."""

    def __init__(self, folder: Path, options: ImportOptions) -> None:
        self.rows = 0
        self.drops = Drops(folder / datasets.DROPPED)
        self._folder = folder
        self.options = options
        self.notes: list[str] = []
        self._keys = SplitKeys(options.split_by)
        self._unsplit = folder / "unsplit.parquet"

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self.drops.close()

    def fill(self, items: Iterable[Example | Dropped]) -> None:
        """Write rows whose id is their content's hash, equal ones told apart: `id`, `id-2`, `id-3`."""
        import numpy as np

        occurrences = Occurrences()
        with example_table.Writer(self._unsplit) as writer:
            for batch in _batches(self._kept(items)):
                hashes = np.array([int(example.row, 16) for example in batch], np.uint64)
                for example, number in zip(batch, occurrences.number(hashes).tolist(), strict=True):
                    if number > 1:
                        example.row = f"{example.row}-{number}"
                    self._add(writer, example)
        self.drops.close()

    def copy(self, examples: Iterable[Example]) -> None:
        """Write rows that were imported before, their ids as they are and their splits forgotten."""
        with example_table.Writer(self._unsplit) as writer:
            for example in examples:
                example.split = "train"
                self._add(writer, example)

    def copy_drops(self, parent: Path) -> None:
        """Take over what the import of another version dropped."""
        if (parent / datasets.DROPPED).exists():
            shutil.copyfile(parent / datasets.DROPPED, self._folder / datasets.DROPPED)

    def finish(self, info: DatasetInfo) -> DatasetInfo:
        """Divide the rows as `info.options` ask and write them; returns `info` with what that gave."""
        options = info.options
        chosen = choose_heldout(self._keys, options, self._unsplit)
        heldout = chosen.heldout
        self.notes = chosen.notes
        rows = self._folder / datasets.ROWS
        if heldout:
            example_table.write_divided(self._unsplit, rows, heldout)
            self._unsplit.unlink()
        else:
            os.replace(self._unsplit, rows)
        content = hashlib.sha256()
        splits: Counter[str] = Counter()
        for row, split in example_table.read_splits(rows):
            splits[split] += 1
            content.update(f"{row}\t{split}\n".encode())
        return msgspec.structs.replace(
            info,
            sha256=content.hexdigest(),
            splits={split: splits[split] for split in ("train", "heldout") if split in splits},
            seed=options.seed if heldout else None,
            stratified=chosen.stratified and bool(heldout),
        )

    def _kept(self, items: Iterable[Example | Dropped]) -> Iterator[Example]:
        for item in items:
            if isinstance(item, Dropped):
                self.drops.add(item)
            else:
                yield item

    def _add(self, writer: example_table.Writer, example: Example) -> None:
        writer.add(example)
        self.rows += 1
        if self.options.heldout > 0:
            self._keys.add(example)


def _batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
