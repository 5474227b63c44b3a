"""`temper kb`: a module per command, imported when it is called. Logic is in engine.retrieval and store."""

from __future__ import annotations

import click

from app.cli.lazy import Commands, LazyGroup

COMMANDS: Commands = {
    "ingest": ("app.cli.kb.ingest:ingest", "Documents become the next generation of a knowledge base."),
    "search": ("app.cli.kb.search:search", "The passages that answer a question best."),
    "check": ("app.cli.kb.check:check", "Is what should be found, found? Questions with known sources."),
    "list": ("app.cli.kb.list_:list_", "All knowledge bases, or the generations of one."),
    "show": ("app.cli.kb.show:show", "The documents of a knowledge base, or the passages of one."),
    "rollback": ("app.cli.kb.rollback:rollback", "Publish an older generation again."),
    "prune": ("app.cli.kb.prune:prune", "Remove old generations that nobody reads."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def kb() -> None:
    """Knowledge bases: ingest and search."""
