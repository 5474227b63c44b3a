"""Dates that documents give themselves, as ISO dates. A date that cannot be is no date."""

from __future__ import annotations

import datetime
import re

_ISO = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
_IN_PATH = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_/](\d{2})[-_/](\d{2})(?!\d)")


def iso_date(value: object) -> str:
    """The day of a date, a time or a text that begins with one (also PDF's `D:20240131`); else empty."""
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    found = _ISO.match(value.strip().removeprefix("D:")) if isinstance(value, str) else None
    return _valid(found)


def date_in_path(name: str) -> str:
    """A date that a path names: notes/2024-01-31-fees.md, 2024/01/31/fees.md."""
    return _valid(_IN_PATH.search(name))


def _valid(found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    year, month, day = (int(number) for number in found.groups())
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""
