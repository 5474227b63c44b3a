"""What the user names as a source, a file or a folder of them: its hash and its records, as one stream.

Everything is read as it was when the source was named: a file that is written to meanwhile is refused. Does
not know formats (engine.data.source_file).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.data.importers import Dropped, Record
from engine.data.importers.folders import Part, read_folder
from engine.data.importers.formats import check_format
from engine.data.importers.text_stream import regular_file, unreadable
from engine.data.source_file import IsRow, SourceFile
from store.errors import TemperError
from store.hashing import sha256_of_file

__all__ = ["IsRow", "Progress", "Source"]

Progress = Callable[[int, int], None]


class Source:
    """A file or folder to import. Raises MissingError, UsageError or TemperError where it cannot be one.

    `parts` are the files, `held` the names of the source's own held-out splits. `notes` says in sentences
    what was chosen without asking.
    """

    def __init__(self, path: Path, encoding: str = "", format: str = "") -> None:
        check_format(format)
        self.path = path
        self.notes: list[str] = []
        self.held: list[str] = []
        self.folder = path.is_dir()
        if self.folder:
            found = read_folder(path, format)
            self.parts, self.notes, self.held = found.parts, found.notes, found.held
        else:
            self.parts = [Part(path)]
        self._encoding = encoding
        # In a folder `format` says which files; json and jsonl, text and markdown are told apart by each.
        self._format = "" if self.folder else format
        self._first = SourceFile(self.parts[0].path, encoding, self._format)
        self._stamps = [_stamp(part.path) for part in self.parts]
        self.size = sum(size for size, *_ in self._stamps)

    @property
    def format(self) -> str:
        """The format of the file, or of the folder's first."""
        return self._first.format

    def sha256(self) -> str:
        """The hash of the file's bytes; for a folder, of the names and bytes of its files."""
        try:
            if not self.folder:
                return sha256_of_file(self.path)
            combined = hashlib.sha256()
            for part in self.parts:
                combined.update(f"{part.name}\0{part.split}\0{sha256_of_file(part.path)}\n".encode())
            return combined.hexdigest()
        except OSError as error:
            raise unreadable(Path(error.filename or self.path), error) from error

    def records(self, is_row: IsRow, progress: Progress) -> Iterator[Record | Dropped]:
        """All records, in order. `progress` is told bytes read and bytes in all.

        Raises TemperError when a file is damaged, or was written to since the source was named.
        """
        done = 0
        for index, part in enumerate(self.parts):
            file = self._first if index == 0 else SourceFile(part.path, self._encoding, self._format)
            at = _shifted(progress, done, self.size)
            if part.name:
                for item in file.records(is_row, at):
                    item.file = part.name
                    if isinstance(item, Record):
                        item.split = part.split
                    yield item
            else:
                yield from file.records(is_row, at)
            self._check_unchanged(index)
            done += self._stamps[index][0]
            progress(done, self.size)

    def _check_unchanged(self, index: int) -> None:
        path = self.parts[index].path
        if _stamp(path) != self._stamps[index]:
            raise TemperError(
                "The file changed while it was read",
                f"Something wrote to {path}.",
                "Wait until it is finished, then import again. Nothing was imported.",
            )


def _stamp(path: Path) -> tuple[int, int, int]:
    found: os.stat_result = regular_file(path)
    return found.st_size, found.st_mtime_ns, found.st_ino


def _shifted(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    """Progress within one file as progress within the source."""
    return lambda at: progress(min(done + at, total), total)
