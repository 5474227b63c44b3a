"""The job `sweep`: starts runs one after another, stops hopeless ones, draws the conclusion.

Needs no device itself: every run queues for it like any other. Stopping the sweep stops the run under way.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from engine.data.ensure import ensure_dataset
from engine.jobs import launch
from engine.jobs.context import JobContext
from engine.jobs.train import TrainParams
from engine.training.curves import final_loss, take
from engine.training.reading import judged_at_end
from engine.training.sweep import changes_of, check_judge, conclude, hopeless, recipes_of
from store.errors import TemperError
from store.records.comparison import Curve
from store.records.recipe import Recipe
from store.records.runs import ENDED
from store.records.sweep import Measure, Point, Sweep, SweepParams
from store.runs import RunFolder, RunTracker

POLL_SECONDS = 0.2


def run(context: JobContext) -> dict[str, Any]:
    """Run all points; the result is the sweep's conclusion."""
    params = context.params(SweepParams)
    sweep = params.sweep
    ensure_dataset(context.workspace(), params.recipe.dataset)  # the first run would: here it is known sooner
    recipe = judged_at_end(context.workspace(), params.recipe)
    check_judge(sweep, recipe)
    recipes = recipes_of(recipe, sweep)
    points = [Point(changes) for changes in changes_of(sweep)]
    curves: list[Curve] = []
    meter = context.progress("runs", len(points))
    for number, (point, recipe) in enumerate(zip(points, recipes, strict=True)):
        curves.append(Curve())
        play(context, params, point, recipe, curves)
        tell(context, point, number, len(points))
        meter.advance(number + 1)
    measure = score(points, curves)
    if not any(point.state == "finished" for point in points):
        said = next((point.error for point in points if point.error), "They were stopped.")
        raise TemperError(
            "No run of the sweep has finished",
            f"{len(points)} were started. The first error: {said}",
            "Look at one of them: temper runs list",
        )
    result: dict[str, Any] = msgspec.to_builtins(conclude(sweep, points, measure))
    return result


def play(context: JobContext, params: SweepParams, point: Point, recipe: Recipe, curves: list[Curve]) -> None:
    """One run from its start to its end; what came of it is written into `point` and the last curve."""
    words = ", ".join(f"{key} = {value}" for key, value in point.changes.items())
    title = f"{recipe.dataset}: {recipe.base} ({words})"
    try:
        folder = launch.start(context.workspace(), "train", TrainParams(recipe, params.accept), title)
    except TemperError as error:
        point.state, point.error = "failed", error.title
        return
    point.run_id = folder.run_id
    try:
        follow(context, params.sweep, folder, point, curves)
    except BaseException:  # nobody would watch it any longer
        folder.request_stop()
        raise


def follow(context: JobContext, sweep: Sweep, folder: RunFolder, point: Point, curves: list[Curve]) -> None:
    """Watch a run until it has ended; ask it to stop once it is hopeless. Raises Stopped when asked to."""
    tracker, mine, others = RunTracker(folder), curves[-1], [one.losses for one in curves[:-1]]
    while True:
        view = tracker.refresh()
        for event in tracker.fresh:
            take(mine, event)
        if view.state in ENDED:
            point.state, point.steps = view.state, len(mine.losses)
            point.error = view.error.title if view.error else ""
            return
        context.check_stop()
        early = sweep.early_stop and not sweep.rows and not point.stopped_at
        if early and hopeless(mine.losses, others, round(sweep.patience * mine.total)):
            point.stopped_at = len(mine.losses)
            folder.request_stop()
        time.sleep(POLL_SECONDS)


def score(points: list[Point], curves: list[Curve]) -> Measure:
    """Give every point its measure: held-out loss where every finished run has it, else the training loss."""
    pairs = list(zip(points, curves, strict=True))
    measured = [curve.best_heldout is not None for point, curve in pairs if point.state == "finished"]
    heldout = bool(measured) and all(measured)
    for point, curve in pairs:
        point.score = curve.best_heldout if heldout else final_loss(curve.losses)
    return "held-out loss" if heldout else "training loss"


def tell(context: JobContext, point: Point, number: int, count: int) -> None:
    """Say how a run has ended."""
    how = f"stopped early at step {point.stopped_at}" if point.stopped_at else point.state
    context.notice(
        f"Run {number + 1} of {count} {how}",
        ", ".join(f"{key} = {value}" for key, value in point.changes.items()),
        warn=point.state == "failed",
    )
