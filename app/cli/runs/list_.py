"""`temper runs list`: a line per run."""

from __future__ import annotations

import click

from app.cli.output import json_option, print_json, print_table, say
from app.cli.runs.words import coloured, local, summary, took
from store import runs as folders
from store.workspace import open_workspace


@click.command()
@click.option("-n", "count", default=20, type=click.IntRange(min=1), help="How many, newest first.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@json_option
def list_(count: int, everything: bool, as_json: bool) -> None:
    """The runs of this workspace, newest first."""
    found = folders.list_folders(open_workspace().paths.runs)
    views = [folders.view(folder) for folder in (found if everything else found[:count])]
    if as_json:
        print_json([summary(view) for view in views])
        return
    if not views:
        say("No runs yet. Start one with: temper train RECIPE")
        return
    print_table(
        ("run", "kind", "state", "started", "took", "what"),
        [
            (view.run_id, view.kind, coloured(view.state), local(view.started), took(view), view.title)
            for view in views
        ],
        right=(4,),
    )
    if len(found) > len(views):
        say(f"{len(found) - len(views)} older ones: temper runs list --all")
