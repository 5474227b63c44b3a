"""A table as rows of texts: CSV, with all that `temper data import` finds out; records in JSON, Parquet."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import Dropped
from engine.data.importers.delimited import find_delimiter, read_delimited
from engine.data.importers.text_stream import decoded, find_encoding, first_bytes, opened, regular_file
from engine.data.source import Source
from store.errors import UsageError

SUFFIXES = (".csv", ".tsv")
RECORDS = (".jsonl", ".json", ".parquet", ".arrow")
"""Files whose rows have names of their own."""
_ZIP = b"PK\x03\x04"


class Table(msgspec.Struct):
    """Rows with the line each begins on, and those that could not be read with the reason."""

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    dropped: list[Dropped]


def read_table(path: Path, encoding: str = "", header: bool = True) -> Table:
    """The rows of a table; without a header the columns of a CSV file are called 1, 2, 3.

    Raises TemperError, UsageError or MissingError for a file that cannot be read.
    """
    if path.suffix in RECORDS:
        return _records(path, encoding)
    regular_file(path)
    start, _ = first_bytes(path)
    if start.startswith(_ZIP):
        raise UsageError(
            "This is a spreadsheet, not CSV",
            f"{path.name} is an archive, as Excel and LibreOffice write it.",
            "Save it as CSV (UTF-8).",
        )
    name = find_encoding(start, encoding, path)
    sample = start.decode(name, errors="replace")
    delimiter = find_delimiter(sample)
    with opened(path) as (_, stream), decoded(stream, path, name, "") as text:
        whole = text.read()
    if not header:
        width = len(next(csv.reader(io.StringIO(whole), delimiter=delimiter), []))
        whole = delimiter.join(map(str, range(1, width + 1))) + "\n" + whole
    table = Table([], [], [])
    for one in read_delimited(io.StringIO(whole, newline=""), path, delimiter):
        one.line -= 0 if header else 1
        if isinstance(one, Dropped):
            table.dropped.append(one)
        elif any(value.strip() for value in one.value.values()):  # spreadsheets end in empty rows
            table.rows.append((one.line, one.value))
    # Without a row, its names are still worth telling.
    plain = next(csv.reader(io.StringIO(whole), delimiter=delimiter), [])
    table.columns = list(table.rows[0][1]) if table.rows else [one.strip() for one in plain]
    return table


def _records(path: Path, encoding: str) -> Table:
    table = Table([], [], [])
    for one in Source(path, encoding).records(lambda value: True, lambda done, total: None):
        if isinstance(one, Dropped):
            table.dropped.append(one)
            continue
        row = {str(name): _text(value) for name, value in one.value.items()}
        table.columns += [name for name in row if name not in table.columns]
        table.rows.append((one.line, row))
    for _, row in table.rows:
        for name in table.columns:
            row.setdefault(name, "")
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
