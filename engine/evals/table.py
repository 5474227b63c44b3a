"""A CSV file as rows: encoding, delimiter and quoting found as `temper data import` finds them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.data.importers import Dropped
from engine.data.importers.delimited import find_delimiter, read_delimited
from engine.data.importers.text_stream import decoded, find_encoding, first_bytes, opened, regular_file
from store.errors import UsageError

SUFFIXES = (".csv", ".tsv")


class Table(msgspec.Struct):
    """Rows with the line each begins on, and those that could not be read with the reason."""

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    dropped: list[Dropped]


def read_table(path: Path, encoding: str = "") -> Table:
    """The rows of a CSV file. Raises TemperError, UsageError or MissingError for one that cannot be read."""
    regular_file(path)
    start, _ = first_bytes(path)
    if b"\0" in start[:512] and start[:4] == b"PK\x03\x04":
        raise UsageError(
            "This is a spreadsheet, not CSV", f"{path.name} is a zip archive.", "Save it as CSV (UTF-8)."
        )
    name = find_encoding(start, encoding, path)
    sample = start.decode(name, errors="replace")
    table = Table([], [], [])
    with opened(path) as (_, stream), decoded(stream, path, name, "") as text:
        for one in read_delimited(text, path, find_delimiter(sample)):
            if isinstance(one, Dropped):
                table.dropped.append(one)
            elif isinstance(one.value, dict):
                if not any(value.strip() for value in one.value.values()):
                    continue  # an empty row, as spreadsheets leave them at the end
                table.rows.append((one.line, one.value))
    table.columns = list(table.rows[0][1]) if table.rows else []
    return table
