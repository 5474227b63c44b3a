"""Files of rows (CSV, TSV, JSONL, lists in JSON): each row a block of `column: value` lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from engine.retrieval.blocks import Block
from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.builder import TextBuilder
from engine.retrieval.readers.problems import Unreadable
from engine.retrieval.readers.text import decode

LONGEST_FIELD = 10_000_000

Row = tuple[int, Any]
"""A line or an index, from 1, and what stands there."""


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The rows. Raises Unreadable where the file is none of the kinds; single bad lines are `dropped`."""
    text = decode(data)
    document = Document(name, "", kind)
    suffix = name.rpartition(".")[2].lower()
    rows: Iterable[Row] | None
    if suffix in ("jsonl", "ndjson"):
        rows = _json_lines(text, document)
    elif suffix == "json":
        rows = _json_rows(text)
        if rows is None:
            return Document(name, text, kind, blocks=[Block("code", 0, len(text.rstrip()))])
    else:
        rows = _csv_rows(text, "\t" if suffix == "tsv" else "")
    builder = TextBuilder()
    for _, row in rows:
        builder.add("row", _shown(row))
    document.text, document.blocks = builder.text, builder.blocks
    return document


def _json_lines(text: str, document: Document) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            document.dropped[f"line {number}"] = f"it is not JSON: {error}"


def _json_rows(text: str) -> Iterable[Row] | None:
    """The objects of a list; None for other JSON. Raises Unreadable for what is no JSON."""
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not JSON: {error}") from error
    if isinstance(loaded, list) and all(isinstance(row, dict) for row in loaded):
        return enumerate(loaded, 1)
    return None


def _csv_rows(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    lines = io.StringIO(text, newline="")
    try:
        reader = csv.reader(lines, delimiter=delimiter or _delimiter(text), strict=True)
        header = [column.strip() for column in next(reader, [])]
        for fields in reader:
            if len(fields) > len(header):
                extra = [f"column {at}" for at in range(len(header) + 1, len(fields) + 1)]
                header += extra
            yield reader.line_num, dict(zip(header, fields, strict=False))
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num} is not CSV: {error}") from error


def _delimiter(text: str) -> str:
    """The separator that the first line has most of."""
    first = text[:10_000].split("\n", 1)[0]
    return max(",;\t|", key=first.count)


def _shown(row: Any) -> str:
    if not isinstance(row, dict):
        return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)
    return "\n".join(f"{key}: {value}" for key, one in row.items() if (value := _value(one)))


def _value(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
