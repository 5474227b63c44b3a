"""One file to import: its format and encoding are found out, then its records come as a stream.

Does not know folders (engine.data.source), nor what a record means, but for the question whether a lone
object is a row or wraps a list (`is_row`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from engine.data.importers import Dropped, Record
from engine.data.importers.arrow_tables import At, read_arrow, read_parquet
from engine.data.importers.delimited import find_delimiter, read_delimited
from engine.data.importers.documents import read_document
from engine.data.importers.formats import Format, by_content, check_format, of_text
from engine.data.importers.json_document import read_json
from engine.data.importers.jsonl import ends_with_cr, read_jsonl
from engine.data.importers.text_stream import decoded, find_encoding, first_bytes, opened, regular_file
from store.errors import UsageError

IsRow = Callable[[dict[str, Any]], bool]

PROGRESS_EVERY = 256  # records
_TABLES = ("parquet", "arrow")


class SourceFile:
    """A regular file. Raises MissingError, UsageError or TemperError at once when it cannot be imported."""

    def __init__(self, path: Path, encoding: str = "", format: str = "") -> None:
        check_format(format)
        self.path = path
        self.size = regular_file(path).st_size
        start, self.packed = first_bytes(path)
        found = by_content(path, start, format)
        if found:
            self.format: Format = found
            self.encoding, self.delimiter = "", ""
            if self.packed:
                raise UsageError(
                    f"A compressed {found} file cannot be imported",
                    f"{path} is {found} within gzip.",
                    f"Unpack it first: gunzip {path.name}",
                )
            return
        self.encoding = find_encoding(start, encoding, path)
        sample = start.decode(self.encoding, errors="replace")
        self.format = format or of_text(path, sample)  # type: ignore[assignment]  # check_format has looked
        tabs = "\t" if format == "tsv" else find_delimiter(sample)
        self.delimiter = tabs if self.format in ("csv", "tsv") else ""

    def records(self, is_row: IsRow, at: At) -> Iterator[Record | Dropped]:
        """All records, in order; `at` is told bytes read. Raises TemperError where the file is damaged."""
        if self.format == "parquet":
            yield from read_parquet(self.path, at)
        elif self.format == "arrow":
            yield from read_arrow(self.path, at)
        else:
            with opened(self.path) as (raw, stream):
                for count, item in enumerate(self._of_text(stream, is_row)):
                    yield item
                    if count % PROGRESS_EVERY == 0:
                        at(raw.tell())

    def _of_text(self, stream: BinaryIO, is_row: IsRow) -> Iterator[Record | Dropped]:
        if self.format == "jsonl":
            yield from self._of_lines(stream)
            return
        newline = "" if self.delimiter else None
        with decoded(stream, self.path, self.encoding, newline) as text:
            if self.delimiter:
                yield from read_delimited(text, self.path, self.delimiter)
            elif self.format == "json":
                yield from read_json(text, self.path, is_row)
            else:
                yield from read_document(text, self.format == "markdown")

    def _of_lines(self, stream: BinaryIO) -> Iterator[Record | Dropped]:
        if self.encoding.startswith("utf-8"):
            cr = ends_with_cr(stream)
        else:  # whose bytes may hold those of line ends as halves of letters
            with decoded(stream, self.path, self.encoding, "") as text:
                cr = ends_with_cr(text)
        stream.seek(0)
        if not cr and self.encoding.startswith("utf-8"):
            yield from read_jsonl(stream)
            return
        with decoded(stream, self.path, self.encoding, "\r" if cr else "\n") as text:
            yield from read_jsonl(text, "\r" if cr else "\n")
