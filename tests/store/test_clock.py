"""Times and ids as they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from store import clock

NOON = datetime(2026, 1, 31, 12, 0, 0, 123_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-31T12:00:00.123Z"),
        (NOON.replace(microsecond=0), "2026-01-31T12:00:00.000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-01-31T12:00:00.123Z"),
    ],
)
def test_a_stamp_is_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert clock.stamp(moment) == text


def test_a_stamp_reads_back_as_its_moment() -> None:
    assert clock.parse(clock.stamp(NOON)) == NOON.replace(microsecond=123_000)


def test_ids_sort_by_time_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    ids = {clock.new_id("train") for _ in range(20)}
    assert len(ids) > 1
    assert all(re.fullmatch(r"train-20260131-120000-[0-9a-f]{4}", one) for one in ids)
