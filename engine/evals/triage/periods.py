"""When complaints came: a day out of what files write, and the periods that a trend counts.

Days are ISO dates, such as 2026-02-28. Knows no failures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

MOST = 8
"""So many periods are shown; the unit grows with the time between the first complaint and the last."""
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
PARTED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
SECONDS = re.compile(r"(\d{10})(\d{3})?(?:\.\d+)?")


def day_of(text: str, month_first: bool = False) -> str:
    """The day that a stamp begins with, or that seconds or milliseconds since 1970 mean; "" for others.

    28.2.2026 is read with the day first; 2/28/2026 too unless `month_first`, which dots never are.
    """
    try:
        if found := ISO.match(text):
            return date(*map(int, found.groups())).isoformat()
        if found := PARTED.match(text):
            one, mark, other, year = found.groups()
            day, month = (other, one) if month_first and mark != "." else (one, other)
            return date(int(year), int(month), int(day)).isoformat()
        if found := SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(found[1]), UTC).date().isoformat()
    except ValueError:  # a day that no month has
        pass
    return ""


def is_month_first(texts: Iterable[str]) -> bool:
    """Whether stamps such as 2/28/2026 put the month first: one that only so makes sense tells of all."""
    seconds = [int(found[3]) for text in texts if (found := PARTED.match(text)) and found[2] != "."]
    return any(second > 12 for second in seconds)


def by_period(days: Mapping[str, int], first: str, last: str) -> dict[str, int]:
    """Counts by day as counts by period, from the one of `first` to that of `last`; empty ones count 0.

    Periods are days, weeks (named by their Monday), months or years; only the last MOST of them.
    """
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    name = unit_of((end - begin).days + 1)
    found = Counter({name(begin + timedelta(n)): 0 for n in range((end - begin).days + 1)})
    for day, count in days.items():
        found[name(date.fromisoformat(day))] += count
    return {period: found[period] for period in sorted(found)[-MOST:]}


def unit_of(days: int) -> Callable[[date], str]:
    """What a day's period is called where so many days are looked at."""
    if days <= MOST:
        return date.isoformat
    if days <= 7 * MOST:
        return lambda day: (day - timedelta(day.weekday())).isoformat()
    if days <= 31 * 12 * 2:
        return lambda day: day.isoformat()[:7]
    return lambda day: day.isoformat()[:4]
