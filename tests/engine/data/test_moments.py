"""Moments in the forms that exports write, and what cannot be ordered."""

from __future__ import annotations

import pytest

from engine.data.moments import in_order, readings


@pytest.mark.parametrize(
    "moments",
    [
        ["2026-01-31T10:05:00Z", "2026-01-31T10:00:00+00:00"],
        ["2026-01-31 10:05:00 UTC", "2026-01-31 10:00"],
        ["2026-01-31T10:00:00-05:00", "2026-01-31T14:59:00"],
        ["1700000005", "1700000000.5"],
        ["10", "9"],
        ["Sat, 31 Jan 2026 10:05:00 +0000", "Sat, 31 Jan 2026 10:00:00 +0000"],
        ["31/01/2026 10:05", "31/01/2026 10:00"],
        ["01/31/2026 01:05 PM", "01/31/2026 11:00 AM"],
        ["2/3/2026 10:05", "2/3/2026 10:00"],
        ["01.02.2026", "31.01.2026"],
    ],
)
def test_the_later_moment_comes_second(moments: list[str]) -> None:
    assert in_order(moments) == [1, 0]


@pytest.mark.parametrize(
    "moments",
    [
        ["yesterday", "today"],
        ["", "2026-01-31"],
        ["01/02/2026", "02/01/2026"],
        ["nan", "1"],
        ["2026-01-31", "31/01/2026"],
        ["31/02/2026", "30/02/2026"],
    ],
)
def test_what_cannot_be_read_or_reads_two_ways_stays_as_it_stands(moments: list[str]) -> None:
    assert in_order(moments) == [0, 1]


def test_equal_moments_keep_their_places() -> None:
    assert in_order(["2026-01-31", "2026-01-30", "2026-01-31"]) == [1, 0, 2]


def test_a_column_of_slashed_dates_is_read_the_way_that_reads_them_all() -> None:
    iso = readings(["2026-02-01", "2026-01-31"])
    assert readings(["01/02/2026", "31/01/2026"]) == iso
    assert readings(["2/1/26", "1/31/26"]) == iso


def test_a_date_that_may_be_two_days_is_not_guessed() -> None:
    assert readings(["01/02/2026", "03/03/2026", "x", ""]) == [None, readings(["2026-03-03"])[0], None, None]


def test_seconds_and_milliseconds_are_told_apart() -> None:
    assert readings(["1700000000", "1700000000000"]) == [1700000000.0, 1700000000.0]
