"""`temper kb`: a module per command, imported when it is called. Logic is in engine.retrieval and store."""

from __future__ import annotations

import click

from app.cli.lazy import Commands, LazyGroup

COMMANDS: Commands = {
    "ingest": ("app.cli.kb.ingest:ingest", "Documents become the next generation of a knowledge base."),
    "search": ("app.cli.kb.search:search", "The passages that answer a question best."),
    "list": ("app.cli.kb.list_:list_", "All knowledge bases, or the generations of one."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def kb() -> None:
    """Knowledge bases: ingest and search."""
