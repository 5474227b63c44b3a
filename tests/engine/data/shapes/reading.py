"""Records become rows as an import makes them, without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.data.conversations import grouped
from engine.data.importers import Record
from engine.data.shapes import choose_shape, examples_of
from store.records.data import Dropped, Example, ImportOptions, Message

USER = {"role": "user", "content": "q"}
ANSWER = {"role": "assistant", "content": "a"}


def read(*records: dict[str, Any], **options: Any) -> list[Example | Dropped]:
    """The rows and drops of some records, their numbers as lines."""
    asked = ImportOptions(**options)
    shape = choose_shape(Path("source.jsonl"), asked, records)
    numbered = [Record(line, record) for line, record in enumerate(records, start=1)]
    found: list[Example | Dropped] = []
    for item in grouped(numbered, asked) if shape.grouped else numbered:
        found += [item] if isinstance(item, Dropped) else examples_of(item, shape, asked)
    return found


def row(record: dict[str, Any], **options: Any) -> Example:
    """The one row of a record."""
    (found,) = read(record, **options)
    assert isinstance(found, Example), found
    return found


def reason(record: dict[str, Any], **options: Any) -> str:
    """Why a record makes no row."""
    (found,) = read(record, **options)
    assert isinstance(found, Dropped), found
    return found.reason


def rows(found: list[Example | Dropped]) -> list[Example]:
    """Those that are rows."""
    return [item for item in found if isinstance(item, Example)]


def reasons(found: list[Example | Dropped]) -> list[tuple[int, str]]:
    """Line and reason of those that are not."""
    return [(item.line, item.reason) for item in found if isinstance(item, Dropped)]


def said(turns: list[Message]) -> list[tuple[str, str]]:
    """Who says what."""
    return [(turn.role, turn.content) for turn in turns]
