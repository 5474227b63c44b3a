"""`temper data preview`: rows as they are, or as a model will see them."""

from __future__ import annotations

from itertools import islice

import click

from app.cli.output import json_option, print_json
from store import datasets
from store.workspace import open_workspace


@click.command()
@click.argument("reference")
@click.option("-n", "count", default=3, type=click.IntRange(min=1), help="How many rows.")
@json_option
def preview(reference: str, count: int, as_json: bool) -> None:
    """The first rows of a dataset (NAME, NAME@VERSION, NAME/heldout, NAME/all)."""
    rows = list(islice(datasets.iterate_rows(open_workspace().paths, reference), count))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(click.style(f"row {row.row}  line {row.line}  {row.split}", bold=True))
        for message in row.messages:
            click.echo(f"  {message.role + ':':<10} " + message.content.replace("\n", "\n" + " " * 13))
        click.echo()
