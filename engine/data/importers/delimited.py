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
from engine.data.importers.text_stream import SAMPLE
from store.errors import TemperError

DELIMITERS = ",;\t|"
FIELD_LIMIT = 1 << 26  # characters; Python's own limit of 131,072 refuses long documents
SAMPLE_ROWS = 50
_SAYS_DELIMITER = "sep="  # the first line by which Excel is told


def read_delimited(text: TextIO, path: Path, delimiter: str) -> Iterator[Record | Dropped]:
    """The rows of a stream opened with newline="" and surrogateescape, as {column: text}.

    Raises TemperError for wrong quoting, bytes that are not UTF-8 and a header with a name twice.
    """
    csv.field_size_limit(FIELD_LIMIT)
    rows = _rows(csv.reader(_lines(text, path), delimiter=delimiter, strict=True), path)
    header = _header(rows, path)
    for line, fields in rows:
        if len(fields) == len(header):
            yield Record(line, dict(zip(header, fields, strict=True)))
        else:
            plural = "" if len(fields) == 1 else "s"
            yield Dropped(line, f"{len(fields)} field{plural} where the header has {len(header)}")


def find_delimiter(sample: str) -> str:
    """The delimiter under which the rows of `sample` most often have as many fields as the first one."""
    said = sample.lstrip("\ufeff")
    if said.startswith(_SAYS_DELIMITER) and said[4:5] in DELIMITERS and said[5:6] in "\r\n":
        return said[4:5] or ","
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter)
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def is_table(sample: str, delimiter: str = "") -> bool:
    """Whether all rows of `sample`, but a last one that is cut off, have the same two or more fields."""
    widths = _widths(sample, delimiter or find_delimiter(sample))
    if len(widths) > 2 and len(sample) >= SAMPLE:
        widths.pop()
    return len(widths) >= 2 and widths[0] >= 2 and len(set(widths)) == 1


def _widths(sample: str, delimiter: str) -> list[int]:
    """How many fields each of the first rows has, blank ones left out; none where quoting is wrong."""
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        return [len(row) for row in islice(rows, SAMPLE_ROWS) if row]
    except csv.Error:
        return []


def _lines(text: TextIO, path: Path) -> Iterator[str]:
    """The physical lines of a stream; csv.reader would take one of any length."""
    number = 0
    while line := text.readline(FIELD_LIMIT + 1):
        number += 1
        if len(line) > FIELD_LIMIT:
            # A line may lie inside a quoted field, so that what follows it cannot be trusted without it.
            raise _broken(path, number, f"a line is longer than {FIELD_LIMIT >> 20} MiB")
        if number == 1 and line.startswith(_SAYS_DELIMITER) and line.rstrip("\r\n")[4:] in [*DELIMITERS]:
            yield "\n"
            continue
        yield line


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
        if not fields or (len(fields) == 1 and not fields[0].strip()):
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
    what = f"has wrong quoting: {error}"
    if "unexpected end" in error:
        what = "has wrong quoting: a quote that opens there is never closed"
    elif "larger than field limit" in error or "longer than" in error:
        what = f"is longer than {FIELD_LIMIT >> 20} MiB; perhaps a quote that opens there is never closed"
    return TemperError(
        "The CSV file is damaged",
        f"{path}: the row that begins on line {line} {what}.",
        'Close the quote; a quote inside a quoted field is written twice (""). Nothing was imported.',
    )


def _not_utf8(path: Path, line: int, byte: str) -> TemperError:
    # In a table one such byte means another encoding throughout, so no row of it can be trusted.
    return TemperError(
        "The file is not UTF-8",
        f"{path}, line {line}: byte {byte} is not valid there.",
        "Say its encoding, often: --encoding cp1252. Or save it again as UTF-8.",
    )
