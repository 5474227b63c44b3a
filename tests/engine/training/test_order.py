"""The order of training: a step's rows are drawn once, and stay together whatever the batch size."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.training.order import training_order

LENGTHS = [5, 90, 7, 60, 8, 64, 3, 70, 12, 33]


def steps_of(order: list[int], step_rows: int) -> list[list[int]]:
    return [sorted(order[begin : begin + step_rows]) for begin in range(0, len(order), step_rows)]


def test_every_row_is_seen_once_before_any_is_seen_again() -> None:
    order = training_order(LENGTHS, steps=5, step_rows=4, micro_rows=2, seed=0)
    first = training_order(LENGTHS, steps=1, step_rows=10, micro_rows=10, seed=0)
    assert sorted(first) == list(range(10))
    assert Counter(order) == Counter(list(range(10)) * 2)


def test_the_rows_of_a_step_do_not_depend_on_the_size_of_a_forward_pass() -> None:
    whole = training_order(LENGTHS, 6, 4, 4, seed=3)
    halves = training_order(LENGTHS, 6, 4, 2, seed=3)
    assert steps_of(whole, 4) == steps_of(halves, 4)


def test_another_seed_gives_another_order() -> None:
    assert training_order(LENGTHS, 3, 4, 4, seed=0) != training_order(LENGTHS, 3, 4, 4, seed=1)


def test_a_run_that_goes_on_goes_on_with_the_rows_that_come_next() -> None:
    whole = training_order(LENGTHS, 6, 4, 2, seed=5)
    assert training_order(LENGTHS, 4, 4, 2, seed=5, start=8) == whole[8:]


def test_the_forward_passes_of_a_step_hold_about_as_many_tokens_each() -> None:
    order = training_order([100, 1, 1, 100], steps=1, step_rows=4, micro_rows=2, seed=0)
    assert sorted(order[:2]) in ([0, 1], [0, 2], [1, 3], [2, 3])


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_no_row_is_lost_or_doubled_within_a_step(
    lengths: list[int], steps: int, micro: int, accumulation: int, seed: int
) -> None:
    order = training_order(lengths, steps, micro * accumulation, micro, seed)
    assert len(order) == steps * micro * accumulation
    seen = Counter(order)
    assert max(seen[row] for row in range(len(lengths))) - min(seen[row] for row in range(len(lengths))) <= 1
