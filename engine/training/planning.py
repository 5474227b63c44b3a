"""A run's plan from its rows: epochs become steps, rows become the largest forward pass, the device is asked.

Used before a run is started and by the run itself, which has the device to itself then. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.data.rendering import Row
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.demand import largest_pass
from engine.training.levers import with_steps
from engine.training.machine import find_machine
from engine.training.plan import plan
from engine.training.shape import shape_of
from store.records.plan import Demand, Machine, TrainingPlan
from store.records.recipe import Recipe


class Counted(msgspec.Struct):
    """What a plan needs to know of rows: the tokens of each, those that carry loss, endings per row."""

    lengths: list[int]
    trained: list[int]
    endings: int = 1


def counted(data: TrainingData) -> Counted:
    """The figures of `data` without its rows."""
    return Counted(row_lengths(data), trained_tokens(data), 2 if data.rejected else 1)


def plan_run(
    base: ModelDirectory, recipe: Recipe, data: TrainingData, machine: Machine | None = None
) -> TrainingPlan:
    """The plan of a run on `data`, for `machine` or the one that is here. Reads headers, loads no weights."""
    return plan_counted(base, recipe, counted(data), machine)


def plan_counted(
    base: ModelDirectory, recipe: Recipe, rows: Counted, machine: Machine | None = None
) -> TrainingPlan:
    """`plan_run` from the figures of the rows alone."""

    def demands(one: Recipe) -> Demand:
        return remembered(one.packing and rows.endings == 1, one.batch_size, one.max_length)

    known: dict[tuple[bool, int, int], Demand] = {}

    def remembered(packing: bool, pass_rows: int, longest: int) -> Demand:
        if (packing, pass_rows, longest) not in known:
            cut = [min(length, longest * rows.endings) for length in rows.lengths]
            shaped = msgspec.structs.replace(asked, packing=packing)
            known[packing, pass_rows, longest] = largest_pass(shaped, cut, rows.trained, pass_rows)
        return known[packing, pass_rows, longest]

    asked = with_steps(recipe, len(rows.lengths))
    return plan(shape_of(base), asked, machine or find_machine(), demands)


def row_lengths(data: TrainingData) -> list[int]:
    """Tokens that each row takes in a forward pass: a preference has two endings, padded to the longer."""
    if not data.rejected:
        return data.lengths
    return [
        2 * max(len(chosen.input_ids), len(rejected.input_ids))
        for chosen, rejected in zip(data.rows, data.rejected, strict=True)
    ]


def trained_tokens(data: TrainingData) -> list[int]:
    """Tokens that carry loss, per row."""
    others: Sequence[Row | None] = data.rejected or [None] * len(data.rows)
    return [
        row.trained + (other.trained if other else 0) for row, other in zip(data.rows, others, strict=True)
    ]
