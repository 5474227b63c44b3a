"""`temper eval import`: a suite of promptfoo, OpenAI Evals or Inspect becomes one of this workspace."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.output import json_option, print_json, say
from store.workspace import open_workspace


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="The suite's name; the file's when left out.")
@click.option("--force", is_flag=True, help="Write over a suite that is there.")
@json_option
def import_(file: Path, name: str | None, force: bool, as_json: bool) -> None:
    """Take FILE over: promptfoo YAML, OpenAI Evals JSONL, Inspect-style JSONL.

    What has no counterpart here is named; nothing is dropped in silence.
    """
    from engine.evals.foreign import read_foreign
    from engine.evals.suite import load_suite
    from engine.evals.suite.writing import write_suite

    workspace = open_workspace()
    imported = read_foreign(file.expanduser())
    suite = imported.suite
    suite.name = name or suite.name
    path = workspace.paths.evals / f"{suite.name}.yaml"
    says = f"Taken over from {file.name} ({imported.form})."
    write_suite(path, suite, "\n".join([says, *(f"Not taken over: {one}" for one in imported.left)]), force)
    shown = str(path.relative_to(workspace.root))
    count = len(suite.cases) if isinstance(suite.cases, list) else 0
    if as_json:
        print_json(
            {"suite": suite.name, "path": shown, "cases": count, "form": imported.form, "left": imported.left}
        )
    else:
        click.echo(f"{shown}: {count} cases ({imported.form})")
        for one in imported.left:
            say(f"Not taken over: {one}")
    load_suite(path, workspace.root)  # what is still to be settled (a judge, a file) is told now
