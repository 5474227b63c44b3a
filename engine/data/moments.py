"""Moments as sources write them: ISO 8601, e-mail dates, seconds since 1970, plain numbers, slashed dates.

01/02 may be in January or in February: the other moments of the same column decide, or nobody does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SLASHED = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:[ ,T]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*([AaPp])?\.?[Mm]?\.?)?"
)
_MILLISECONDS = 1e11  # as seconds it would be the year 5138


def readings(moments: Sequence[str]) -> list[float | None]:
    """Seconds since 1970 of each moment of a column; None where it cannot be read, or could mean two days."""
    first, *others = _candidates(moments)
    if not others:
        return first
    return [one if one == two else None for one, two in zip(first, others[0], strict=True)]


def in_order(moments: Sequence[str]) -> list[int]:
    """The places of `moments` by time; as they stand where one cannot be read or two readings disagree."""
    given = list(range(len(moments)))
    orders = []
    for candidate in _candidates(moments):
        known = [moment for moment in candidate if moment is not None]
        if len(known) < len(moments):
            return given
        orders.append(sorted(given, key=known.__getitem__))
    return orders[0] if all(order == orders[0] for order in orders) else given


def _candidates(moments: Sequence[str]) -> list[list[float | None]]:
    """The ways to read a column: day first in slashed dates, month first, or both where both read all."""
    plain = [_read(text.strip()) for text in moments]
    unread = [at for at, moment in enumerate(plain) if moment is None]
    slashed = [at for at in unread if _SLASHED.fullmatch(moments[at].strip())]
    if not slashed:
        return [plain]
    found = []
    for day, month in ((1, 3), (3, 1)):
        read = {at: _read_slashed(moments[at].strip(), day, month) for at in slashed}
        found.append([read.get(at, moment) for at, moment in enumerate(plain)])
    missing = [candidate.count(None) for candidate in found]
    return [candidate for candidate, lacks in zip(found, missing, strict=True) if lacks == min(missing)]


def _read(text: str) -> float | None:
    """A moment that can mean only one, in seconds."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return _read_date(text)
    if value != value:
        return None
    return value / 1000 if value > _MILLISECONDS else value


def _read_date(text: str) -> float | None:
    try:
        return _seconds(datetime.fromisoformat(text.removesuffix(" UTC")))
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return _seconds(parsedate_to_datetime(text))
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None


def _read_slashed(text: str, day: int, month: int) -> float | None:
    """A date whose day and month stand in the groups of these numbers; None where there is no such day."""
    found = _SLASHED.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = (int(found[group] or 0) for group in (5, 6, 7))
    if half := (found[8] or "").lower():
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
    try:
        return _seconds(datetime(year, int(found[month]), int(found[day]), hour, minute, second))
    except ValueError:
        return None


def _seconds(moment: datetime) -> float:
    """Seconds since 1970; a moment without a zone counts as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
