"""`temper data split`: which rows are held out, decided anew. The choice is made in engine.data.split."""

from __future__ import annotations

import click

from app.cli.data.report import print_newest, print_report, remember, report
from app.cli.output import json_option, print_json, say
from store.records.data import SplitBy
from store.workspace import open_workspace


@click.command()
@click.argument("name")
@click.option("--heldout", required=True, type=float, help="Share of rows set aside, e.g. 0.1.")
@click.option("--seed", default=0, help="Fixes which rows are set aside.")
@click.option(
    "--stratify/--no-stratify",
    default=None,
    help="The same share of every answer. Default: where answers repeat.",
)
@click.option(
    "--by",
    type=click.Choice(["random", "stratified", "group", "cluster", "time"]),
    default=None,
    help="By chance, the same share of every answer, whole groups (imported with --map group=COLUMN), whole"
    " clusters of near-duplicates, or the newest rows (--map time=COLUMN). Default: stratified where answers"
    " repeat.",
)
@json_option
def split(
    name: str, heldout: float, seed: int, stratify: bool | None, by: SplitBy | None, as_json: bool
) -> None:
    """Divide the rows of dataset NAME (or NAME@VERSION) anew, as its next version."""
    from engine.data.importing import split_dataset

    workspace = open_workspace()
    imported = split_dataset(workspace.paths, name, heldout, seed, stratify, by or "")
    remember(workspace, imported.info)
    if as_json:
        print_json(report(workspace, imported))
        return
    print_report(imported)
    print_newest(workspace, imported.info)
    if "heldout" in imported.info.splits:
        say(suite_hint(imported.info.name))


def suite_hint(name: str) -> str:
    """How to evaluate on what was held out."""
    return (
        f"To evaluate on the held-out rows, write evals/{name}.yaml:\n"
        f"  name: {name}\n  cases: {{dataset: {name}/heldout}}\n  checks:\n    - kind: exact\n"
        f"then: temper eval {name} --variant base"
    )
