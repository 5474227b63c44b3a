"""`temper demo`: the whole loop on the embedded tiny model or on one's own, step by step, then a summary."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from app.words import span
from store.errors import ExitCode
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.demo import Step, Summary

VERDICT_COLOURS = {"SHIP": "green", "WARN": "yellow", "BLOCK": "red"}


@click.command()
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A Hugging Face directory of yours, in the place of the embedded model.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="The new workspace's folder (./temper-demo when left out).",
)
@cpu_option
@json_option
def demo(base: Path | None, directory: Path | None, as_json: bool) -> None:
    """The whole loop: data, a QLoRA adapter, a checked GGUF, evals, a question with citations. Offline."""
    from engine import demo as loop

    workspace = loop.prepare(directory or loop.free_folder(Path.cwd()), base)
    if not as_json:
        say(f"A workspace for a help desk: {workspace.root}")
    steps = loop.steps(workspace)
    for number, step in enumerate(steps, start=1):
        take(step, f"{number}/{len(steps)}", quiet=as_json)
    summary = loop.summarise(workspace)
    if as_json:
        print_json(summary)
    else:
        print_summary(workspace, summary)
    if summary.ship == "BLOCK":
        raise click.exceptions.Exit(ExitCode.REFUSED)


def take(step: Step, number: str, quiet: bool) -> None:
    """Start one step and watch it to its end."""
    from app.cli.watch import watch

    if not quiet:
        say(click.style(f"[{number}] {step.title}", bold=True))
    run = step.start(lambda words: None if quiet else say(f"  {words}"))
    if run is not None:
        watch(run, quiet)


def shorten(text: str, width: int = 90) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def print_summary(workspace: Workspace, summary: Summary) -> None:
    """The table, the answer with its sources, and where to go from here."""
    from engine.demo import scores

    click.echo()
    print_table(
        ("held-out messages", "n", "right", "±", "valid JSON"),
        [
            (
                f"({row['variant']})" if row["baseline"] else row["variant"],
                row["n"],
                f"{row['score']:.1%}",
                f"{row['stderr']:.1%}",
                "" if row["schema_valid"] is None else f"{row['schema_valid']:.1%}",
            )
            for row in scores(workspace)
        ],
        right=(1, 2, 3, 4),
    )
    verdict = click.style(summary.ship, fg=VERDICT_COLOURS[summary.ship], bold=True)
    click.echo(
        f"\nShip check   {verdict}: token ids equal on {summary.token_ids_equal:.0%} of the texts, "
        f"greedy answers agree {summary.greedy_agreement:.1%}"
    )
    click.echo(
        f"Training     {summary.steps} steps, loss {summary.first_loss:.2f} to {summary.last_loss:.2f}, "
        f"{summary.tokens_per_second:,.0f} tokens/s"
    )
    click.echo(f"Question     {summary.question}")
    click.echo(f"Answer       {' '.join(summary.answer.split())}")
    click.echo(f"Sources      {', '.join(summary.cited) or 'none cited'} (of {summary.passages} passages)")
    click.echo(f"Best match   {shorten(summary.best_passage)}")
    click.echo(f"Time         {span(summary.seconds)}")
    place = shlex.quote(os.path.relpath(workspace.root))
    say(f"\nEverything is kept. Open the workspace with:\n  cd {place} && temper")
