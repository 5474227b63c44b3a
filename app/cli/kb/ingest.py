"""`temper kb ingest`: documents become the next generation of a knowledge base."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store import knowledge
from store.records.runs import RunView
from store.workspace import Workspace, open_workspace


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@kb_option
@click.option("--embedder", help="A GGUF embedding model, or builtin:minilm. Another one means a rebuild.")
@click.option(
    "--chunker",
    type=click.Choice(["structure", "recursive", "sentences", "semantic"]),
    help="How documents are cut.",
)
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@json_option
def ingest(
    paths: tuple[Path, ...],
    name: str | None,
    embedder: str | None,
    chunker: str | None,
    no_watch: bool,
    as_json: bool,
) -> None:
    """Build or refresh a knowledge base; PATHs (files, folders) are added to its sources.

    Only what changed is read, cut and embedded. Searches see the old state until the new one is ready.
    """
    from app.cli.watch import watch
    from engine.jobs import launch
    from engine.jobs.ingest import IngestParams
    from engine.retrieval.sources import choose_base, embedder_path, written_path

    workspace = open_workspace()
    name = choose_base(workspace, name)
    knowledge.check_name(name)
    if paths:
        remember(workspace, name, paths)
    settings = workspace.knowledge(name)
    chosen = written_path(workspace, embedder) if embedder else ""
    embedder_path(workspace, chosen or settings.embedder)
    tell_rebuild(workspace, name, chosen or settings.embedder)
    params = IngestParams(name, embedder=chosen, chunker=chunker)  # type: ignore[arg-type]  # click has checked
    again = f"temper kb ingest --kb {name}" + (f" --embedder {chosen}" if chosen else "")
    folder = launch.start(workspace, "ingest", params, f"ingest {name}", again)
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


def tell_rebuild(workspace: Workspace, name: str, embedder: str) -> None:
    """Say that everything is embedded anew, where another embedder was chosen."""
    from engine.retrieval.sources import rebuild_needed

    if (old := rebuild_needed(workspace, name, embedder)) is not None:
        say(
            f"{name} was built with {old.embedder}: all {old.chunks:,} passages are embedded anew.\n"
            "The old generation answers until the new one is ready; to keep it, stop the run."
        )


def remember(workspace: Workspace, name: str, paths: tuple[Path, ...]) -> None:
    """Write the sources to temper.toml, unless they stand there. Raises MissingError for a missing path."""
    from engine.retrieval.sources import with_sources, written

    known = workspace.config.knowledge.get(name)
    asked = with_sources(workspace, known, paths)
    if asked == known:
        return
    workspace.amend("knowledge", name, written(asked))
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
    if result["skipped"]:
        say(f"{len(result['skipped']):,} skipped, with reasons: temper kb show --skipped --kb {result['kb']}")
    say(f'Search it with: temper kb search "..." --kb {result["kb"]}')
