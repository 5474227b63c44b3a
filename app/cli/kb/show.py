"""`temper kb show`: the documents of a knowledge base, or the passages of one document in their places."""

from __future__ import annotations

from collections import Counter

import click

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, print_table, say
from store import knowledge
from store.errors import UsageError
from store.knowledge import Generation
from store.records.knowledge import Chunk, DocumentRecord
from store.workspace import open_workspace


@click.command()
@click.argument("document", required=False)
@kb_option
@click.option("--skipped", is_flag=True, help="The files that are not in it, and why.")
@json_option
def show(document: str | None, name: str | None, skipped: bool, as_json: bool) -> None:
    """The documents of a knowledge base; the passages of DOCUMENT; or what was skipped."""
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    with knowledge.open_generation(workspace.paths, name) as generation:
        if skipped:
            show_skipped(generation, as_json)
        elif document is None:
            show_documents(generation, as_json)
        else:
            show_passages(generation, document, as_json)


def show_skipped(generation: Generation, as_json: bool) -> None:
    """Files, and lines of files, that are not in the knowledge base."""
    skipped = generation.manifest.skipped
    if as_json:
        print_json(skipped)
    elif skipped:
        print_table(("file", "why"), skipped.items())
    else:
        say("Nothing was skipped.")


def show_documents(generation: Generation, as_json: bool) -> None:
    """A line per document."""
    passages = Counter(chunk.doc for chunk in generation.chunks())
    documents = generation.documents()
    if as_json:
        print_json(
            [
                {
                    "doc": one.name,
                    "kind": one.kind,
                    "passages": passages[one.name],
                    "characters": len(one.text),
                    "date": one.date,
                    "tags": one.tags,
                    "title": one.title,
                    "meta": one.meta,
                }
                for one in documents
            ]
        )
        return
    print_table(
        ("document", "kind", "passages", "characters", "date", "tags", "title"),
        [
            (
                one.name,
                one.kind,
                passages[one.name],
                f"{len(one.text):,}",
                one.date,
                ", ".join(one.tags),
                one.title,
            )
            for one in documents
        ],
        right=(2, 3),
    )


def show_passages(generation: Generation, name: str, as_json: bool) -> None:
    """The passages of a document, in order, with what each stands under."""
    document = find(generation.documents(), name, generation.kb)
    chunks = [chunk for chunk in generation.chunks() if chunk.doc == document.name]
    if as_json:
        print_json({"document": document, "passages": chunks})
        return
    for number, chunk in enumerate(chunks, 1):
        click.echo(click.style(heading(number, chunk), bold=True))
        click.echo(f"{chunk.text}\n")


def heading(number: int, chunk: Chunk) -> str:
    """What stands above a passage: its number, its place, what it stands under."""
    above = " > ".join(dict.fromkeys(part for part in (chunk.title, chunk.headings, chunk.context) if part))
    return f"[{number}] {chunk.start}-{chunk.end}" + (f"  {above}" if above else "")


def find(documents: list[DocumentRecord], name: str, kb: str) -> DocumentRecord:
    """The document called `name`, or the only one whose name ends with it. Raises UsageError."""
    found = [one for one in documents if one.name == name] or [
        one for one in documents if one.name.endswith(f"/{name}")
    ]
    if len(found) == 1:
        return found[0]
    happened = (
        f"It could be {', '.join(one.name for one in found)}." if found else "No document has such a name."
    )
    raise UsageError(
        f"Which document is {name!r}?", happened, f"Look at their names with: temper kb show --kb {kb}"
    )
