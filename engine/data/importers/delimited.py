"""CSV and its kin: the delimiter is found, the first row names the columns, quoting must be right.

A row with the wrong number of fields costs itself. Wrong quoting refuses the file: after an unclosed quote
nobody can say where a row begins.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from engine.data.importers import Dropped, Record, bad_bytes
from store.errors import TemperError

DELIMITERS = ",;\t|"
FIELD_LIMIT = 1 << 26  # characters; Python's own limit of 131,072 refuses long documents


def read_delimited(text: TextIO, path: Path, delimiter: str) -> Iterator[Record | Dropped]:
    """The rows of a stream opened with newline="" and surrogateescape, as {column: text}.

    Raises TemperError for wrong quoting, bytes that are not UTF-8 and a header with a name twice.
    """
    csv.field_size_limit(FIELD_LIMIT)
    rows = _rows(csv.reader(text, delimiter=delimiter, strict=True), path)
    header = _header(rows, path)
    for line, fields in rows:
        if len(fields) == len(header):
            yield Record(line, dict(zip(header, fields, strict=True)))
        else:
            plural = "" if len(fields) == 1 else "s"
            yield Dropped(line, f"{len(fields)} field{plural} where the header has {len(header)}")


def find_delimiter(sample: str) -> str:
    """The delimiter under which the rows of `sample` most often have as many fields as the first one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            widths = [
                len(row)
                for row in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), 50)
            ]
        except csv.Error:
            continue
        widths = [width for width in widths if width]
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(reader: Iterator[list[str]], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with the line each begins on."""
    while True:
        start: int = reader.line_num + 1  # type: ignore[attr-defined]  # csv.reader's own attribute
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken(path, start, str(error)) from error
        if not fields:
            continue
        if byte := next(filter(None, map(bad_bytes, fields)), ""):
            raise _not_utf8(path, start, byte)
        yield start, fields


def _header(rows: Iterator[tuple[int, list[str]]], path: Path) -> list[str]:
    _, first = next(rows, (0, []))
    header = [name.strip() for name in first]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise TemperError(
            "Two columns have the same name",
            f"{path}: {', '.join(twice)} stands more than once in the first line.",
            "Rename one of them in the file.",
        )
    return header


def _broken(path: Path, line: int, error: str) -> TemperError:
    what = "a quote that opens there is never closed" if "unexpected end" in error else error
    return TemperError(
        "The CSV file is damaged",
        f"{path}: the row that begins on line {line} has wrong quoting: {what}.",
        'Close the quote; a quote inside a quoted field is written twice (""). Nothing was imported.',
    )


def _not_utf8(path: Path, line: int, byte: str) -> TemperError:
    # In a table one such byte means another encoding throughout, so no row of it can be trusted.
    return TemperError(
        "The file is not UTF-8",
        f"{path}, line {line}: byte {byte} is not valid there.",
        "Say its encoding, often: --encoding cp1252. Or save it again as UTF-8.",
    )
