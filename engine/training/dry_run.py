"""A look ahead: rows, tokens, steps, memory and disk of a run that is not started.

Loads no weights and leaves the workspace as it is: a dataset that is not imported yet is read and forgotten.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from engine.data.ensure import ensure_dataset
from engine.data.scratch import only_there, scratch
from engine.models.directory import ModelDirectory
from engine.training import gate
from engine.training.division import plan_divided
from engine.training.estimate import FLOAT, optimiser_bytes, trained_count
from engine.training.quantisation import known
from engine.training.reading import read_data, renderer_of
from engine.training.shape import shape_of
from engine.training.trial_rows import compared, held_out
from store.records.plan import DiskNeed, DryRun
from store.records.recipe import Recipe
from store.workspace import Workspace

MOST_CHECKPOINTS = 4
"""On disk at a time: the newest two, the best, and the next one, whole before the oldest goes."""


def look_ahead(
    workspace: Workspace, base: ModelDirectory, recipe: Recipe, accept: Sequence[str] = (), processes: int = 1
) -> DryRun:
    """What the run would do. Changes nothing: neither is a dataset imported nor a data check made.

    Raises what the run itself would raise of its rows: UsageError, RefusedError.
    """
    with scratch(workspace) as seen:
        dataset = ensure_dataset(seen, recipe.dataset)
        renderer = renderer_of(seen, base, recipe)
        data, report = read_data(seen, renderer, recipe)
        rows = compared(held_out(seen, renderer, recipe, data)[0], data)
        checked = gate.newest_report(seen, recipe.dataset)
        findings = gate.stand(seen, checked, recipe, accept) if checked else []
        if gate.UNTRAINED not in accept:  # else the run itself remembers that it was accepted
            gate.refuse_untrained(seen, dataset, report.untrained, accept)
        forgotten = only_there(seen, workspace)
    planned = plan_divided(base, recipe, data, processes)
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
        not_imported=forgotten,
        quantisation=known(workspace.paths, base, planned.recipe, rows),
    )


def disk_need(workspace: Workspace, base: ModelDirectory, recipe: Recipe) -> DiskNeed:
    """Weights that are trained in float32, and with each checkpoint the optimiser's state beside them.

    Where held-out loss is measured, a checkpoint also keeps the best weights so far.
    """
    shape = shape_of(base)
    result = FLOAT * trained_count(shape, recipe)
    best = result if recipe.eval_every and recipe.keep_best else 0
    checkpoint = result + optimiser_bytes(shape, recipe) + best
    often = recipe.max_steps // recipe.checkpoint_every if recipe.checkpoint_every else 0
    kept = min(often, MOST_CHECKPOINTS)
    total = result + best + kept * checkpoint
    free = shutil.disk_usage(workspace.root).free
    return DiskNeed(result, checkpoint, kept, total, free, total < free)
