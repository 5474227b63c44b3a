"""`temper data list`: all versions of all datasets."""

from __future__ import annotations

import click

from app.cli.data.report import splits, summary
from app.cli.output import json_option, print_json, print_table, say
from store import datasets
from store.workspace import open_workspace


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All versions of all datasets."""
    workspace = open_workspace()
    paths = workspace.paths
    infos = [
        datasets.load_info(paths, name, version)
        for name in datasets.names(paths)
        for version in datasets.versions(paths, name)
    ]
    if as_json:
        print_json([summary(info) for info in infos])
        return
    if not infos:
        say("No datasets yet. Import one with: temper data import FILE --as NAME")
        return
    print_table(
        ("dataset", "rows", "dropped", "splits", "shape", "source"),
        [
            (
                f"{info.name}@{info.version}",
                info.rows_kept,
                len(info.dropped),
                splits(info),
                info.shape,
                info.source,
            )
            for info in infos
        ],
        right=(1, 2),
    )
