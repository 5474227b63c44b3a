"""`temper runs compare`: losses of several runs in one picture, where their recipes differ, their scores."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from app.cli.output import json_option, print_json, print_table, say
from app.words import span
from store.records.comparison import ComparedRun, RunComparison
from store.workspace import open_workspace

HEIGHT, WIDEST, MOST_POINTS = 18, 110, 400
COLOURS = ("blue", "orange", "green", "red", "magenta", "cyan")


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@json_option
def compare(runs: tuple[str, ...], as_json: bool) -> None:
    """Training RUNS side by side: loss curves, what their recipes do not have in common, eval scores."""
    from engine.jobs.side_by_side import compare as look

    found = look(open_workspace(), runs)
    if as_json:
        print_json(found)
        return
    click.echo(picture(found.runs))
    print_figures(found)
    print_differences(found)
    print_scores(found.runs)


def picture(runs: Sequence[ComparedRun]) -> str:
    """All loss curves in one plot; without colours where nobody would see them."""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(min(WIDEST, shutil.get_terminal_size().columns), HEIGHT)
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        steps, losses = thinned(run.curve.steps), thinned(run.curve.losses)
        if steps:
            plotext.plot(steps, losses, label=run.run_id, color=colour, marker="braille")
    plotext.xlabel("step")
    plotext.ylabel("loss")
    drawn: str = plotext.build()
    return drawn if sys.stdout.isatty() else str(plotext.uncolorize(drawn))


def thinned(values: Sequence[Any]) -> list[Any]:
    """At most MOST_POINTS of the values, evenly spaced."""
    return list(values[:: max(1, len(values) // MOST_POINTS)])


def print_figures(found: RunComparison) -> None:
    """A line per run."""
    rows = []
    for run in found.runs:
        heldout = run.curve.best_heldout
        rows.append(
            (
                run.run_id,
                run.state,
                len(run.curve.steps),
                "" if run.final_loss is None else f"{run.final_loss:.4f}",
                "" if heldout is None else f"{heldout:.4f}",
                span(run.seconds),
            )
        )
    print_table(("run", "state", "steps", "loss at the end", "held-out", "took"), rows, right=(2, 3, 4, 5))


def print_differences(found: RunComparison) -> None:
    """The keys in which the recipes differ."""
    if not found.differences:
        say("\nTheir recipes are the same.")
        return
    click.echo()
    rows = [(key, *map(str, values)) for key, values in found.differences.items()]
    print_table(("recipe", *(run.run_id for run in found.runs)), rows)


def print_scores(runs: Sequence[ComparedRun]) -> None:
    """What evaluations say; nothing where there is none."""
    rows = [
        (run.run_id, score.suite, score.variant, score.n, f"{score.score:.3f}", f"{score.stderr:.3f}")
        for run in runs
        for score in run.scores
    ]
    if rows:
        click.echo()
        print_table(("run", "suite", "variant", "cases", "score", "± error"), rows, right=(3, 4, 5))
