"""`temper train --sweep`: many runs of one recipe, a table of them, a winner and a verdict at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from app.cli import watch
from app.cli.output import print_json, print_table, say
from store.records.recipe import Recipe
from store.records.runs import RunView
from store.records.sweep import Point, Sweep, SweepParams, SweepResult
from store.workspace import Workspace


class How(msgspec.Struct):
    """Options of the command that say how a sweep is run and shown."""

    dry_run: bool
    no_watch: bool
    as_json: bool


def run(
    workspace: Workspace, recipe: Recipe, reference: str, accept: list[str], command: str, how: How
) -> None:
    """Start the sweep that `reference` names, watch it unless told otherwise, print what it found."""
    from engine.data.scratch import scratch
    from engine.jobs import launch
    from engine.training.sweep import find_sweep, load_sweep

    file = find_sweep(workspace.root, reference, Path.cwd())
    sweep = load_sweep(file)
    if how.dry_run:
        with scratch(workspace) as seen:
            print_plan(sweep, checked(seen, recipe, sweep)[1], how.as_json)
        return
    recipe, _ = checked(workspace, recipe, sweep)
    params = SweepParams(recipe, sweep, accept)
    folder = launch.start(workspace, "sweep", params, f"{file.stem}: {recipe.base}", command)
    if how.no_watch:
        watch.print_started(folder, how.as_json)
        return
    view = watch.watch_to_end(folder, quiet=how.as_json)
    if how.as_json:
        print_json(report(view))
    watch.raise_unless_finished(view)
    if not how.as_json:
        print_sweep(view)


def checked(workspace: Workspace, recipe: Recipe, sweep: Sweep) -> tuple[Recipe, list[Recipe]]:
    """The recipe as a sweep judges it, and that of every run. Raises every problem of every run."""
    from engine.data.ensure import ensure_dataset
    from engine.training.reading import judged_at_end
    from engine.training.sweep import check_judge, recipes_of

    ensure_dataset(workspace, recipe.dataset)
    judged = judged_at_end(workspace, recipe)
    check_judge(sweep, judged)
    return judged, recipes_of(judged, sweep)


def print_plan(sweep: Sweep, recipes: list[Recipe], as_json: bool) -> None:
    """What `--dry-run` says of a sweep: every run, checked."""
    from engine.training.sweep import changes_of

    changes = changes_of(sweep)
    if as_json:
        runs = [{"changes": one, "recipe": own} for one, own in zip(changes, recipes, strict=True)]
        print_json({"question": sweep.question, "runs": runs})
        return
    print_table(tuple(changes[0]), [[str(value) for value in one.values()] for one in changes])
    say(f"{len(recipes)} runs. Nothing was started.")


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints, however the sweep ended."""
    return {"run_id": view.run_id, "state": view.state, "error": view.error} | view.result


def print_sweep(view: RunView) -> None:
    """The table of a finished sweep, its winner, its verdict."""
    result = msgspec.convert(view.result, SweepResult)
    keys = list(dict.fromkeys(key for point in result.points for key in point.changes))
    ordered = sorted(result.points, key=lambda one: (one.score is None, one.score or 0.0))
    print_table(
        (*keys, "steps", result.measure, "how it ended", "run"),
        [row(point, keys, point.run_id == result.winner) for point in ordered],
        right=range(len(keys) + 2),
    )
    if result.question:
        say(result.question)
    say(result.verdict)
    if result.winner:
        ask = f"  temper ask QUESTION --variant {result.winner}"
        say(f"Next:\n{ask}\n  temper runs compare {' '.join(best_two(ordered))}")


def row(point: Point, keys: list[str], won: bool) -> list[str]:
    """A run's line."""
    how = f"stopped early at {point.stopped_at}" if point.stopped_at else point.error or point.state
    cells = [str(point.changes.get(key, "")) for key in keys]
    measured = "" if point.score is None else f"{point.score:.4f}"
    run = click.style(f"{point.run_id}  best", fg="green") if won else point.run_id
    return [*cells, str(point.steps), measured, how, run]


def best_two(ordered: list[Point]) -> list[str]:
    """Ids of the two best runs, to look at side by side."""
    return [point.run_id for point in ordered if point.run_id][:2]
