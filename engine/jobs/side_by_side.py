"""Training runs side by side, read from their folders and, for evaluations, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.jobs.train import TrainParams
from engine.models import adapters
from engine.training.curves import curve_of, differences, final_loss
from store import clock
from store import runs as folders
from store.errors import TemperError, UsageError
from store.records.comparison import ComparedRun, EvalScore, RunComparison
from store.records.recipe import Recipe
from store.records.runs import RunView
from store.runs import RunFolder, read_events
from store.workspace import Workspace

SCORES = """
SELECT eval_scores.suite, eval_scores.variant, n, score, stderr
FROM eval_scores JOIN runs USING (run_id)
WHERE list_contains(?, eval_scores.variant)
QUALIFY row_number() OVER (PARTITION BY eval_scores.suite, eval_scores.variant ORDER BY created DESC) = 1
ORDER BY ALL
"""
"""The newest score of each suite."""


def compare(workspace: Workspace, references: Sequence[str]) -> RunComparison:
    """The runs that are named, in that order. Raises UsageError for one that is no training run."""
    found = [folders.find(workspace.paths.runs, reference) for reference in references]
    views = [folders.view(folder) for folder in found]
    for view in views:
        if view.kind != "train":
            raise UsageError(
                "Only training runs are compared here",
                f"{view.run_id} is of kind {view.kind}.",
                "See the training runs with: temper runs list",
            )
    runs = [one_run(workspace, folder, view) for folder, view in zip(found, views, strict=True)]
    return RunComparison(runs, differences([recipe_of(folder) for folder in found]))


def recipe_of(folder: RunFolder) -> Recipe:
    """The recipe as the run went on with it, where it came that far; else as it was asked for."""
    for made in (adapters.adapter_folder(folder.path), adapters.model_folder(folder.path)):
        if (made / adapters.PASSPORT).is_file():
            return adapters.read_passport(made).recipe
    return msgspec.convert(folder.spec().params, TrainParams).recipe


def one_run(workspace: Workspace, folder: RunFolder, view: RunView) -> ComparedRun:
    """What there is to say of one run."""
    curve = curve_of(read_events(folder.events))
    seconds = 0.0
    if view.started and view.ended:
        seconds = (clock.parse(view.ended) - clock.parse(view.started)).total_seconds()
    return ComparedRun(
        view.run_id,
        view.state,
        view.title,
        curve,
        final_loss(curve.losses),
        seconds,
        scores_of(workspace, view.run_id),
    )


def scores_of(workspace: Workspace, run_id: str) -> list[EvalScore]:
    """The newest scores of the run, and of variants with its adapter; none without evaluations."""
    names = [run_id] + [
        name for name, variant in workspace.config.variants.items() if variant.adapter == run_id
    ]
    try:
        from store import ledger

        rows = ledger.query(workspace.paths, SCORES, [names]).rows
    except (ImportError, TemperError):  # a comparison without evaluations is still one
        return []
    return [EvalScore(*row) for row in rows]
