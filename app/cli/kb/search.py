"""`temper kb search`: the passages that answer a question best. Searches in a process of its own."""

from __future__ import annotations

import click

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store import knowledge
from store.records.knowledge import SearchResult
from store.workspace import open_workspace

SHOWN_CHARACTERS = 240


@click.command()
@click.argument("query")
@kb_option
@click.option("-k", "top_k", default=5, type=click.IntRange(1, 100), help="How many passages.")
@json_option
def search(query: str, name: str | None, top_k: int, as_json: bool) -> None:
    """The passages that answer QUERY best, by words and by meaning."""
    from engine.retrieval.search_process import search_apart
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    workspace.knowledge(name)
    knowledge.load_manifest(workspace.paths, name)
    result = search_apart(workspace.root, name, query, top_k)
    if as_json:
        print_json(result)
    else:
        print_hits(result)


def print_hits(result: SearchResult) -> None:
    """Passages with their place, best first."""
    for number, hit in enumerate(result.hits, 1):
        title = f"  {hit.title}" if hit.title else ""
        place = click.style(f"[{number}] {hit.doc}", bold=True) + f" {hit.start}-{hit.end}{title}"
        text = " ".join(hit.text.split())
        shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " ..."
        click.echo(f"{place}  ({hit.score:.4f})\n    {shown}\n")
    if not result.hits:
        say("Nothing found.")
