"""What a question to the results gives back, and what taking in new lines did."""

from __future__ import annotations

from typing import Any

import msgspec


class QueryResult(msgspec.Struct):
    """What `temper sql` prints. Values are ready for JSON; a time without a zone is UTC and says so."""

    columns: list[str]
    rows: list[list[Any]]


class Folded(msgspec.Struct):
    """What one fold did: files with something new (or gone), rows added."""

    sources: int = 0
    rows: int = 0
