"""Equal hashes are numbered in the order in which they come, however they are cut into batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.data.occurrences import Occurrences


@given(
    batches=st.lists(st.lists(st.integers(0, 6) | st.just(2**64 - 1), min_size=1, max_size=20), max_size=12)
)
def test_numbers_are_those_of_a_plain_counter(batches: list[list[int]]) -> None:
    occurrences, seen = Occurrences(), Counter[int]()
    for batch in batches:
        expected = []
        for value in batch:
            seen[value] += 1
            expected.append(seen[value])
        assert occurrences.number(np.array(batch, np.uint64)).tolist() == expected


def test_a_hundred_thousand_hashes_are_told_apart() -> None:
    occurrences = Occurrences()
    hashes = np.arange(100_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    first = [occurrences.number(part) for part in np.array_split(hashes, 50)]
    again = occurrences.number(hashes[::-1])
    assert set(np.concatenate(first).tolist()) == {1}
    assert set(again.tolist()) == {2}
