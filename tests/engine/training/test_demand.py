"""The largest forward pass of a run, from the lengths of its rows."""

from __future__ import annotations

import pytest

from engine.training.demand import largest_pass, unknown_rows
from store.records.recipe import Recipe

LENGTHS = [10, 20, 30, 40]
RECIPE = Recipe(batch_size=2, gradient_accumulation=2, max_steps=3)


def test_packed_rows_stand_one_behind_the_other() -> None:
    assert largest_pass(RECIPE, LENGTHS, [1] * 4, 2).tokens == 50  # passes of a step are balanced


def test_padded_rows_are_all_as_long_as_the_longest() -> None:
    padded = Recipe(batch_size=2, gradient_accumulation=2, max_steps=3, packing=False)
    assert largest_pass(padded, LENGTHS, [1] * 4, 2).tokens == 80


def test_smaller_passes_hold_less_and_never_less_than_the_longest_row() -> None:
    assert largest_pass(RECIPE, LENGTHS, [1] * 4, 1).tokens == 40
    assert largest_pass(RECIPE, LENGTHS, [1] * 4, 4).tokens == 100


def test_trained_tokens_are_those_of_the_pass_that_has_most() -> None:
    assert largest_pass(RECIPE, LENGTHS, [1, 2, 3, 4], 1).trained == 4


@pytest.mark.parametrize("rows", [1, 4])
def test_rows_that_nobody_read_are_as_long_as_allowed(rows: int) -> None:
    assert unknown_rows(Recipe(max_length=100), rows).tokens == rows * 100
