"""The histogram of row lengths: round ranges, few enough to show, every row in one of them."""

from __future__ import annotations

import pytest

from engine.data.checks.tokens import COLUMNS, histogram


@pytest.mark.parametrize("lengths", [[0], [5, 7, 19], [20], [33, 40, 99], [1, 150, 399], [4000, 1]])
def test_every_row_is_counted_once_in_a_few_ranges(lengths: list[int]) -> None:
    counts = histogram(lengths)
    assert sum(counts.values()) == len(lengths)
    assert 1 <= len(counts) <= COLUMNS


def test_ranges_are_round_and_follow_each_other() -> None:
    assert histogram([3, 7, 12, 38]) == {
        **dict.fromkeys([f"{at}-{at + 1}" for at in range(0, 40, 2)], 0),
        "2-3": 1,
        "6-7": 1,
        "12-13": 1,
        "38-39": 1,
    }
