"""Readers of file formats: a text stream becomes records with the line they begin on.

Every reader yields `Record` for what it could read and `Dropped` for what it could not, and raises
TemperError where the rest of the file cannot be trusted. None knows what a record means.
"""

from __future__ import annotations

from typing import Any

import msgspec

from store.records.data import Dropped

__all__ = ["Dropped", "Record", "bad_bytes"]


class Record(msgspec.Struct):
    """One object of the source.

    `line` is the 1-based physical line on which it begins, or the record's number where a format has no
    lines. In a folder `file` is the relative name of the file it stands in, and `split` ("train" or
    "heldout", else empty) is how the source itself divides its rows.
    """

    line: int
    value: dict[str, Any]
    file: str = ""
    split: str = ""


def bad_bytes(text: str) -> str:
    """The first byte that was not UTF-8, as `0xE9`; empty where all was well.

    Streams are opened with surrogateescape, which turns such a byte into U+DC80 to U+DCFF.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"0x{ord(text[error.start]) & 0xFF:02X}"
    return ""
