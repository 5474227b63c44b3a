"""`temper kb ingest`: documents become the next generation of a knowledge base."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store import knowledge
from store.records.runs import RunView
from store.records.workspace import Knowledge
from store.workspace import Workspace, open_workspace


@click.command()
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
