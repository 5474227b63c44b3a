"""A look ahead: rows, tokens, steps, memory and disk of a run that is not started. Loads no weights."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from engine.data.ensure import ensure_dataset
from engine.models.directory import ModelDirectory
from engine.training import gate
from engine.training.estimate import FLOAT, optimiser_bytes, trained_count
from engine.training.planning import plan_run
from engine.training.reading import read_data, renderer_of
from engine.training.shape import shape_of
from store.records.plan import DiskNeed, DryRun
from store.records.recipe import Recipe
from store.workspace import Workspace

MOST_CHECKPOINTS = 4
"""On disk at a time: the newest two, the best, and the next one, whole before the oldest goes."""


def look_ahead(
    workspace: Workspace, base: ModelDirectory, recipe: Recipe, accept: Sequence[str] = ()
) -> DryRun:
    """What the run would do. The dataset is imported where it is not yet; a data check is not made anew.

    Raises what the run itself would raise of its rows: UsageError, RefusedError.
    """
    dataset = ensure_dataset(workspace, recipe.dataset)
    data, report = read_data(workspace, renderer_of(workspace, base, recipe), recipe)
    checked = gate.newest_report(workspace, recipe.dataset)
    findings = gate.stand(workspace, checked, recipe, accept) if checked else []
    if gate.UNTRAINED not in accept:  # else the run itself remembers that it was accepted
        gate.refuse_untrained(workspace, dataset, report.untrained, accept)
    planned = plan_run(base, recipe, data)
    step_rows = planned.recipe.batch_size * planned.recipe.gradient_accumulation
    return DryRun(
        plan=planned,
        rows=report.rows,
        total_tokens=report.total_tokens,
        trained_tokens=report.trained_tokens,
        truncated=report.truncated,
        untrained=report.untrained,
        steps=planned.recipe.max_steps,
        rows_per_step=step_rows,
        epochs=round(planned.recipe.max_steps * step_rows / report.rows, 2),
        verdict=checked.verdict if checked else "",
        findings=[f"{one.id}: {one.title}" for one in findings if one.severity != "info"],
        disk=disk_need(workspace, base, planned.recipe),
    )


def disk_need(workspace: Workspace, base: ModelDirectory, recipe: Recipe) -> DiskNeed:
    """Weights that are trained in float32, and with each checkpoint the optimiser's state beside them."""
    shape = shape_of(base)
    result = FLOAT * trained_count(shape, recipe)
    checkpoint = result + optimiser_bytes(shape, recipe)
    often = recipe.max_steps // recipe.checkpoint_every if recipe.checkpoint_every else 0
    kept = min(often, MOST_CHECKPOINTS)
    total = result + kept * checkpoint
    free = shutil.disk_usage(workspace.root).free
    return DiskNeed(result, checkpoint, kept, total, free, total < free)
