"""What to give up when the device's memory is full, a rung at a time; the effective batch never changes.

First smaller forward passes, more of them; then activations computed twice; last, and said aloud, shorter
rows. Pure: knows neither trainer nor device.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.data.rendering import IGNORED, Row
from engine.training.checkpoints import MemoryPlan
from engine.training.data import TrainingData
from store.records.recipe import Recipe

SHORTEST = 64
"""Rows are never cut below this many tokens: what is left would teach something else."""

_FULL = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


class Rung(msgspec.Struct):
    """A step down: the plan from here on, and how a user is told."""

    plan: MemoryPlan
    title: str
    text: str


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch, CUDA or bitsandbytes means that the device's memory is full.

    torch.OutOfMemoryError is a RuntimeError, and a host without memory raises a plain one.
    """
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _FULL)


def plan_of(recipe: Recipe) -> MemoryPlan:
    """The plan that a recipe without `auto` asks for."""
    layers = recipe.recompute_layers
    return MemoryPlan(
        recipe.batch_size, recipe.gradient_accumulation, layers if isinstance(layers, int) else "all"
    )


def planned(recipe: Recipe, plan: MemoryPlan) -> Recipe:
    """The recipe with the plan's passes and layers; rows are cut by `fitted`."""
    return msgspec.structs.replace(
        recipe,
        batch_size=plan.batch_size,
        gradient_accumulation=plan.accumulation,
        recompute_layers=plan.recompute_layers,
    )


def least_rows(recipe: Recipe) -> int:
    """The smallest forward pass that the recipe's objective can do with.

    KTO compares each row with another one's answer (Ethayarajh et al., 2024, section 4.1).
    """
    return 2 if recipe.objective == "kto" else 1


def next_rung(plan: MemoryPlan, data: TrainingData, fewest: int = 1) -> Rung | None:
    """The plan that takes the next smaller piece of memory; None when nothing is left to give up.

    A forward pass keeps at least `fewest` rows.
    """
    smaller = next_divisor(plan.batch_size, plan.step_rows, fewest)
    if smaller:
        passes = plan.step_rows // smaller
        return Rung(
            msgspec.structs.replace(plan, batch_size=smaller, accumulation=passes),
            "Smaller forward passes",
            f"{passes} of {smaller} rows instead of {plan.accumulation} of {plan.batch_size}: "
            f"a step still has {plan.step_rows} rows.",
        )
    if plan.recompute_layers != "all":
        return Rung(
            msgspec.structs.replace(plan, recompute_layers="all"),
            "Activations are computed twice",
            "They are no longer kept from the forward to the backward pass: slower, and the same result.",
        )
    return shorter(plan, data)


def next_divisor(batch_size: int, step_rows: int, fewest: int) -> int:
    """The largest pass of at most half of `batch_size` that divides the step evenly; 0 when there is none."""
    fitting = (rows for rows in range(batch_size // 2, fewest - 1, -1) if step_rows % rows == 0)
    return next(fitting, 0)


def shorter(plan: MemoryPlan, data: TrainingData) -> Rung | None:
    """Cut rows to half of the longest, or to what leaves every row a token to train on, if that is more."""
    now = fitted(data, plan)
    everything = [*now.rows, *now.rejected]
    longest = max(len(row.input_ids) for row in everything)
    length = max(SHORTEST, longest // 2, *(needed(row) for row in everything))
    if length >= longest:
        return None
    lines = sorted({row.line for row in everything if len(row.input_ids) > length})
    shown = ", ".join(map(str, lines[:20])) + (f" and {len(lines) - 20} more" if len(lines) > 20 else "")
    return Rung(
        msgspec.structs.replace(plan, max_length=length),
        f"Rows are cut to {length} tokens",
        f"Nothing else was left to give up. {len(lines)} rows lose their end: lines {shown}.",
    )


def needed(row: Row) -> int:
    """Tokens that a row must keep so that one of them is trained."""
    return next((at + 1 for at, label in enumerate(row.labels) if at and label != IGNORED), 0)


def fitted(data: TrainingData, plan: MemoryPlan) -> TrainingData:
    """The rows as the plan has them: no row comes or goes, so their order stays what it was."""
    if not plan.max_length:
        return data
    return msgspec.structs.replace(
        data,
        rows=[cut(row, plan.max_length) for row in data.rows],
        rejected=[cut(row, plan.max_length) for row in data.rejected],
    )


def cut(row: Row, length: int) -> Row:
    """A row without what stands behind `length` tokens."""
    if len(row.input_ids) <= length:
        return row
    return msgspec.structs.replace(
        row,
        input_ids=row.input_ids[:length],
        labels=row.labels[:length],
        cut_tokens=row.cut_tokens + len(row.input_ids) - length,
        cut_trained=row.cut_trained + sum(label != IGNORED for label in row.labels[length:]),
    )


def describe(plan: MemoryPlan) -> str:
    """A plan in a few words, for a report."""
    parts: Sequence[str] = [
        f"{plan.accumulation} x {plan.batch_size} rows",
        *([f"activations of {plan.recompute_layers} layers computed twice"] if plan.recompute_layers else []),
        *([f"rows cut to {plan.max_length} tokens"] if plan.max_length else []),
    ]
    return ", ".join(parts)
