"""JSONL: one JSON object per line. A bad line costs that line only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from engine.data.importers import Dropped, Record, bad_bytes
from engine.data.importers.strict_json import Decoder


def read_jsonl(text: TextIO) -> Iterator[Record | Dropped]:
    """The objects of a stream opened with newline="\\n" and surrogateescape. Blank lines are no rows."""
    decoder = Decoder()
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        if byte := bad_bytes(line):
            yield Dropped(number, f"not UTF-8: byte {byte}")
            continue
        try:
            value = decoder.decode(line)
        except ValueError as error:
            yield Dropped(number, str(error))
            continue
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            yield Dropped(number, f"not an object but a {type(value).__name__}")
