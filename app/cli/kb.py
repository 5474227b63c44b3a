"""`temper kb`: ingest documents, search them, list knowledge bases. All logic is in engine.retrieval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from app.cli.output import json_option, print_json, print_table, say
from store import knowledge
from store.records.knowledge import SearchResult
from store.records.runs import RunView
from store.records.workspace import Knowledge
from store.workspace import Workspace, open_workspace

SHOWN_CHARACTERS = 240

kb_option = click.option("--kb", "name", help="The knowledge base; the default or only one when left out.")


@click.group()
def kb() -> None:
    """Knowledge bases: ingest and search."""


@kb.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@kb_option
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@json_option
def ingest(paths: tuple[Path, ...], name: str | None, no_watch: bool, as_json: bool) -> None:
    """Build or refresh a knowledge base; PATHs (files, folders) are added to its sources."""
    from app.cli.watch import watch
    from engine.jobs import launch
    from engine.jobs.ingest import IngestParams
    from engine.retrieval.sources import choose_base, embedder_path

    workspace = open_workspace()
    name = choose_base(workspace, name)
    knowledge.check_name(name)
    if paths:
        remember(workspace, name, paths)
    embedder_path(workspace, workspace.knowledge(name).embedder)
    command = f"temper kb ingest --kb {name}"
    folder = launch.start(workspace, "ingest", IngestParams(name), f"ingest {name}", command)
    if no_watch:
        if as_json:
            print_json({"run_id": folder.run_id})
        else:
            click.echo(folder.run_id)
            say(f"Watch it with: temper runs attach {folder.run_id}")
        return
    view = watch(folder, quiet=as_json)
    if as_json:
        print_json({"run_id": view.run_id} | view.result)
    else:
        print_built(view)


@kb.command()
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


@kb.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All knowledge bases of the workspace."""
    workspace = open_workspace()
    rows = [summary(workspace, name) for name in all_names(workspace)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("No knowledge base yet. Make one with: temper kb ingest FOLDER --kb NAME")
        return
    print_table(
        ("name", "generation", "documents", "chunks", "skipped", "embedder", "sources"),
        [
            (
                row["kb"],
                row["generation"] or "never built",
                row["documents"],
                row["chunks"],
                row["skipped"],
                row["embedder"],
                ", ".join(row["sources"]) or "not in temper.toml",
            )
            for row in rows
        ],
        right=(2, 3, 4),
    )


def remember(workspace: Workspace, name: str, paths: tuple[Path, ...]) -> None:
    """Write the sources to temper.toml, unless they stand there. Raises MissingError for a missing path."""
    from engine.retrieval.sources import with_sources

    known = workspace.config.knowledge.get(name)
    asked = with_sources(workspace, known, paths)
    if asked == known:
        return
    plain = Knowledge(asked.sources)
    written = {
        key: value
        for key, value in msgspec.structs.asdict(asked).items()
        if key == "sources" or value != getattr(plain, key)
    }
    workspace.amend("knowledge", name, written)
    say(f"{'Changed' if known else 'Added'} [knowledge.{name}] in temper.toml.")


def all_names(workspace: Workspace) -> list[str]:
    """Knowledge bases that temper.toml knows, then those that only lie in .temper."""
    return list(dict.fromkeys([*workspace.config.knowledge, *knowledge.names(workspace.paths)]))


def summary(workspace: Workspace, name: str) -> dict[str, Any]:
    """One knowledge base in `--json`; generation 0 was never built."""
    settings = workspace.config.knowledge.get(name)
    row: dict[str, Any] = {
        "kb": name,
        "generation": 0,
        "documents": 0,
        "chunks": 0,
        "skipped": 0,
        "embedder": settings.embedder if settings else "",
        "created": "",
        "sources": settings.sources if settings else [],
    }
    if knowledge.current(workspace.paths, name) is None:
        return row
    manifest = knowledge.load_manifest(workspace.paths, name)
    return row | {
        "generation": manifest.generation,
        "documents": manifest.documents,
        "chunks": manifest.chunks,
        "skipped": len(manifest.skipped),
        "embedder": manifest.embedder,
        "created": manifest.created,
    }


def print_built(view: RunView) -> None:
    """What an ingest did, in a line."""
    result = view.result
    if not result["new"]:
        click.echo(f"{result['kb']}: nothing changed, generation {result['generation']} stays")
        return
    click.echo(
        f"{result['kb']}: generation {result['generation']}, {result['documents']:,} documents, "
        f"{result['chunks']:,} passages ({result['embedded']:,} embedded, {result['reused']:,} unchanged), "
        f"{result['seconds']:.1f} s"
    )
    say(f'Search it with: temper kb search "..." --kb {result["kb"]}')


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
