"""A user's file: which format it has, which encoding, and its records as a stream.

The content decides where the name does not fit: many .json files hold one object per line. Does not know what
a record means, but for the question whether a lone object is a row or wraps a list (`is_row`).
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO

from engine.data.importers import Dropped, Record
from engine.data.importers.delimited import find_delimiter, read_delimited
from engine.data.importers.json_document import read_json
from engine.data.importers.jsonl import read_jsonl
from store.errors import MissingError, TemperError, UsageError

Format = Literal["jsonl", "json", "csv"]
IsRow = Callable[[dict[str, Any]], bool]
Progress = Callable[[int, int], None]

SAMPLE = 1 << 16
PROGRESS_EVERY = 256  # records
_TABLES = {".csv", ".tsv", ".tab"}
_JSONS = {".jsonl", ".ndjson", ".json"}
# UTF-32's little-endian mark begins with UTF-16's, so it is asked first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A file to import. Raises MissingError or UsageError at once when it cannot be one."""

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path = path
        if path.is_dir():
            raise UsageError("A folder cannot be imported", f"{path} is a folder.", "Name one file in it.")
        try:
            with path.open("rb") as file:
                start = file.read(SAMPLE)
            self.size = path.stat().st_size
        except FileNotFoundError:
            raise MissingError(
                "The file is not there", f"{path} does not exist.", "Check the path."
            ) from None
        except OSError as error:
            raise unreadable(path, error) from error
        self.encoding = _encoding(start, encoding, path)
        sample = start.decode(self.encoding, errors="replace")
        self.format = _format(path, sample)
        self.delimiter = find_delimiter(sample) if self.format == "csv" else ""

    def records(self, is_row: IsRow, progress: Progress) -> Iterator[Record | Dropped]:
        """All records, in order. `progress` is told bytes read and bytes in all.

        Raises TemperError when the file is damaged, or was written to meanwhile.
        """
        try:
            with self.path.open("rb") as file:
                before = self.path.stat()
                yield from self._decoded(file, is_row, progress)
                after = self.path.stat()
        except OSError as error:
            raise unreadable(self.path, error) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise TemperError(
                "The file changed while it was read",
                f"Something wrote to {self.path}.",
                "Wait until it is finished, then import again. Nothing was imported.",
            )

    def _decoded(self, file: BinaryIO, is_row: IsRow, progress: Progress) -> Iterator[Record | Dropped]:
        newline = "" if self.format == "csv" else "\n"
        errors = "surrogateescape" if self.encoding.startswith("utf-8") else "strict"
        # Closed by itself: a wrapper left to the garbage collector warns about its open file.
        with io.TextIOWrapper(file, encoding=self.encoding, errors=errors, newline=newline) as text:
            try:
                for count, item in enumerate(self._read(text, is_row)):
                    yield item
                    if count % PROGRESS_EVERY == 0:
                        progress(file.tell(), self.size)
            except UnicodeDecodeError as error:
                raise TemperError(
                    f"The file is not {self.encoding}",
                    f"{self.path}: {error.reason}.",
                    "Say its encoding with --encoding, or save it again as UTF-8.",
                ) from error
        progress(self.size, self.size)

    def _read(self, text: TextIO, is_row: IsRow) -> Iterator[Record | Dropped]:
        if self.format == "csv":
            return read_delimited(text, self.path, self.delimiter)
        if self.format == "json":
            return read_json(text, self.path, is_row)
        return read_jsonl(text)


def _encoding(start: bytes, asked: str, path: Path) -> str:
    if asked:
        try:
            "".encode(asked)
        except LookupError:
            raise UsageError(
                "No such encoding",
                f"Python writes no text in {asked!r}.",
                "Common ones: utf-8, cp1252, utf-16, gb18030.",
            ) from None
        name = codecs.lookup(asked).name
        return "utf-8-sig" if name == "utf-8" else name
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if start.count(0) * 4 > len(start):
        raise UsageError(
            "The file does not look like UTF-8",
            f"{path}: every other byte is zero, as in UTF-16 without a mark at the beginning.",
            "Say its encoding, for example: --encoding utf-16-le",
        )
    return "utf-8"


def _format(path: Path, sample: str) -> Format:
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        return "csv"
    first = sample.lstrip("\ufeff \t\r\n")
    if suffix == ".jsonl" or suffix == ".ndjson":
        return "json" if first.startswith("[") and not _line_is_value(first) else "jsonl"
    if first[:1] not in ("[", "{"):
        if suffix in _JSONS:
            return "json"
        if suffix in (".txt", ".md", ".parquet", ".arrow", ".xlsx", ".xls", ".zip", ".gz"):
            raise UsageError(
                "That kind of file cannot be imported",
                f"{path.name} is neither JSONL, JSON nor a table (CSV, TSV).",
                "Save it as one of these.",
            )
        return "csv"
    if first.startswith("["):
        return "json"
    return "jsonl" if _line_is_value(first) and _has_second_line(first) else "json"


def _line_is_value(text: str) -> bool:
    """Whether the first line is a whole JSON value."""
    try:
        json.loads(text.partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return True


def _has_second_line(text: str) -> bool:
    return bool(text.partition("\n")[2].strip())


def unreadable(path: Path, error: OSError) -> TemperError:
    """What a user is told when the operating system refuses a file."""
    return TemperError(
        "The file cannot be read", f"{path}: {error.strerror or error}.", "Check its permissions."
    )
