"""Moments as sources write them: ISO 8601, e-mail dates, seconds since 1970, plain numbers, slashed dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SLASHED = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S")


def in_order(moments: Sequence[str]) -> list[int]:
    """The places of `moments` by time; as they stand where one cannot be read or two readings disagree.

    01/02 may be in January or in February: such dates order nothing unless both readings give one order.
    """
    given = list(range(len(moments)))
    orders = []
    for read in (_number, _iso, _mail):
        if (order := _order(moments, read)) is not None:
            return order
    for day in _SLASHED:
        for clock in _CLOCKS:
            if (order := _order(moments, lambda text, form=day + clock: _formed(text, form))) is not None:  # type: ignore[misc]  # a default binds the loop's value
                orders.append(order)
    return orders[0] if orders and all(order == orders[0] for order in orders) else given


def _order(moments: Sequence[str], read: Callable[[str], float]) -> list[int] | None:
    try:
        keys = [read(text.strip()) for text in moments]
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None
    return sorted(range(len(keys)), key=keys.__getitem__)


def _number(text: str) -> float:
    value = float(text)
    if value != value:
        raise ValueError(text)
    return value


def _iso(text: str) -> float:
    return _seconds(datetime.fromisoformat(text.removesuffix(" UTC")))


def _mail(text: str) -> float:
    return _seconds(parsedate_to_datetime(text))


def _formed(text: str, form: str) -> float:
    return _seconds(datetime.strptime(text, form))


def _seconds(moment: datetime) -> float:
    """Seconds since 1970; a moment without a zone counts as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
