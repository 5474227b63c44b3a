"""`temper eval export`: a run's results as JUnit XML, CSV, Parquet or an HTML report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from app.cli.output import json_option, print_json
from store import runs
from store.workspace import open_workspace

if TYPE_CHECKING:
    from engine.evals.handing.files import Form


@click.command()
@click.argument("run", default="last")
@click.option("--to", "form", required=True, type=click.Choice(["junit", "csv", "parquet", "html"]))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file; RUN with the form's suffix if left out."
)
@json_option
def export(run: str, form: str, out: Path | None, as_json: bool) -> None:
    """Write the results of RUN (an evaluation, the last one if left out) for other tools and people."""
    from engine.evals.handing.files import SUFFIX, hand_over

    workspace = open_workspace()
    folder = runs.find(workspace.paths.runs, run, "evaluate")
    wanted = cast("Form", form)
    path = out or Path(f"{folder.run_id}.{SUFFIX[wanted]}")
    count = hand_over(folder, wanted, path)
    if as_json:
        print_json({"run_id": folder.run_id, "path": str(path), "results": count})
    else:
        click.echo(f"{path}: {count} results")
