"""`temper kb rollback`: an older generation is published again, at once."""

from __future__ import annotations

import click

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store.workspace import open_workspace


@click.command()
@kb_option
@click.option("--to", type=click.IntRange(1), help="The generation; the one before the published one.")
@json_option
def rollback(name: str | None, to: int | None, as_json: bool) -> None:
    """Publish an older generation again. The next ingest makes a new one from the sources."""
    from engine.retrieval.rollback import roll_back
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    done = roll_back(workspace, choose_base(workspace, name), to)
    if as_json:
        print_json(done)
        return
    click.echo(f"{done.kb}: generation {done.generation} is published again (it was {done.was})")
    if done.embedder:
        say(f"Its embedder, {done.embedder}, stands in temper.toml again.")
