"""`temper eval import`: a suite of promptfoo, OpenAI Evals or Inspect becomes one of this workspace."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from app.cli.output import json_option, print_json, say
from store.workspace import open_workspace


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "--name", "name", help="The suite's name; the file's when left out.")
@click.option("--check", default="", help="The kind of check, for rows whose file names no scorer.")
@click.option("--force", is_flag=True, help="Write over a suite that is there.")
@json_option
def import_(file: Path, name: str | None, check: str, force: bool, as_json: bool) -> None:
    """Take FILE over: promptfoo (YAML, JSON, CSV), OpenAI Evals (JSONL, registry), Inspect (JSONL, CSV).

    What has no counterpart here is named with the cases it is missing in; nothing is dropped in silence.
    """
    from engine.evals.foreign.taking import take

    taken = take(open_workspace(), file.expanduser(), name, force, check)
    if as_json:
        print_json(taken)
        return
    cases = "1 case" if taken.cases == 1 else f"{taken.cases} cases"
    click.echo(f"{taken.path}: {cases} ({taken.form}), checks {', '.join(taken.checks)}")
    for one in taken.left:
        say(f"Not taken over: {one}")
    for problem in taken.problems:
        say(f"Still to be settled: {problem}")
    if not taken.problems:
        say(f"Run it: temper eval {shlex.quote(taken.path)}")
