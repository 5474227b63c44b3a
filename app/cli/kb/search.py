"""`temper kb search`: the passages that answer a question best. Searches in a process of its own."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store import knowledge
from store.records.knowledge import SearchOptions, SearchResult
from store.workspace import open_workspace

SHOWN_CHARACTERS = 240


@click.command()
@click.argument("query")
@kb_option
@click.option("-k", "top_k", default=5, type=click.IntRange(1, 100), help="How many passages.")
@click.option("--tag", "tags", multiple=True, help="Only documents with this tag; may be repeated.")
@click.option("--path", "paths", multiple=True, metavar="PATTERN", help="Only below this folder or pattern.")
@click.option("--as-of", default="", metavar="DATE", help="Only what was dated then or before.")
@click.option("--since", default="", metavar="DATE", help="Only what was dated then or later.")
@click.option("--freshest", is_flag=True, help="The newest of the hits first.")
@click.option(
    "--query", "how", type=click.Choice(["as_asked", "rewrite", "hyde"]), help="Who words the query."
)
@click.option("--rerank/--no-rerank", default=None, help="Order the best anew with the cross-encoder.")
@click.option("--diversity", type=click.FloatRange(0, 1), help="Put back what is like a better hit.")
@click.option("--parents/--no-parents", default=None, help="Give whole sections.")
@click.option("--budget", "budget_tokens", type=click.IntRange(0), help="Most tokens of all passages.")
@click.option("--explain", is_flag=True, help="What each stage was given, kept and dropped, and why.")
@json_option
def search(
    query: str, name: str | None, top_k: int, explain: bool, as_json: bool, how: str | None, **asked: Any
) -> None:
    """The passages that answer QUERY best, by words and by meaning."""
    from engine.retrieval.search_process import search_apart
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    workspace.knowledge(name)
    knowledge.load_manifest(workspace.paths, name)
    options = msgspec.convert({"query": how, **asked}, SearchOptions)
    result = search_apart(workspace.root, name, query, top_k, options)
    if as_json:
        print_json(result)
        return
    print_hits(result)
    if explain:
        print_stages(result)


def print_hits(result: SearchResult) -> None:
    """Passages with their place, best first."""
    for number, hit in enumerate(result.hits, 1):
        title = f"  {hit.title}" if hit.title else ""
        place = click.style(f"[{number}] {hit.doc}", bold=True) + f" {hit.start}-{hit.end}{title}"
        text = " ".join(hit.text.split())
        shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " ..."
        dated = f"  {hit.date}" if hit.date else ""
        stale = f"\n    stale? {hit.stale}" if hit.stale else ""
        click.echo(f"{place}{dated}  ({hit.score:.3f}){stale}\n    {shown}\n")
    if not result.hits:
        say("Nothing found.")


def print_stages(result: SearchResult) -> None:
    """What each stage did, on stderr, with the first of what it dropped."""
    for stage in result.stages:
        say(
            f"{stage.name}: {stage.kept:,} of {stage.given:,} kept; {stage.note} "
            f"({stage.milliseconds:.1f} ms)"
        )
        for one in stage.dropped:
            say(f"    dropped {one.doc} {one.start}-{one.end}: {one.why}")
    for number, hit in enumerate(result.hits, 1):
        say(f"[{number}] " + ", ".join(f"{name} {score:.3f}" for name, score in hit.scores.items()))
