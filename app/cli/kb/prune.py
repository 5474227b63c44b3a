"""`temper kb prune`: old generations that nobody reads are removed. Every ingest does it as well."""

from __future__ import annotations

import click

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json
from store import knowledge
from store.workspace import open_workspace


@click.command()
@kb_option
@click.option("--keep", type=click.IntRange(1), help="How many stay; as temper.toml says when left out.")
@json_option
def prune(name: str | None, keep: int | None, as_json: bool) -> None:
    """Remove old generations. The published one stays, and any that somebody reads."""
    from engine.retrieval.rollback import prune as remove_old
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    removed = remove_old(workspace, name, keep)
    kept = knowledge.generations(workspace.paths, name)
    if as_json:
        print_json({"kb": name, "removed": removed, "kept": kept})
        return
    gone = f"removed {', '.join(map(str, removed))}" if removed else "nothing to remove"
    click.echo(f"{name}: {gone}; on the disk: {', '.join(map(str, kept))}")
