"""What the largest forward pass of a run will hold, from its rows' lengths and their order."""

from __future__ import annotations

from collections.abc import Sequence

from engine.training.order import training_order
from store.records.plan import Demand
from store.records.recipe import Recipe

MOST_ROWS = 20_000
"""Rows of the run's order that are looked at; behind them the longest row alone is still counted."""


def largest_pass(recipe: Recipe, lengths: Sequence[int], trained: Sequence[int], micro_rows: int) -> Demand:
    """The largest of the run's forward passes of `micro_rows` rows; `trained` tokens of each row carry loss.

    Rows stand one behind the other where the recipe packs, else each is padded to the longest of its pass.
    """
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    seed = recipe.seed if recipe.data_seed < 0 else recipe.data_seed
    steps = min(recipe.max_steps, -(-MOST_ROWS // step_rows))
    order = training_order(lengths, steps, step_rows, micro_rows, seed)
    longest = max(lengths)
    tokens, carrying = longest, max(trained)
    for begin in range(0, len(order), micro_rows):
        rows = order[begin : begin + micro_rows]
        together = [lengths[row] for row in rows]
        held = sum(together) if recipe.packing else max(together) * len(together)
        tokens, carrying = max(tokens, held), max(carrying, sum(trained[row] for row in rows))
    return Demand(tokens, carrying, micro_rows, longest)


def unknown_rows(recipe: Recipe, micro_rows: int) -> Demand:
    """The most that a pass can hold where no row was read yet: all of them as long as the recipe allows."""
    tokens = micro_rows * recipe.max_length
    return Demand(tokens, tokens, micro_rows, recipe.max_length)
