"""`temper kb list`: all knowledge bases of the workspace, or the generations of one."""

from __future__ import annotations

from typing import Any

import click

from app.cli.output import json_option, print_json, print_table, say
from store import knowledge
from store.workspace import Workspace, open_workspace


@click.command("list")
@click.option("--kb", "name", help="The generations of this one that lie on the disk.")
@json_option
def list_(name: str | None, as_json: bool) -> None:
    """All knowledge bases of the workspace, or the generations of one."""
    workspace = open_workspace()
    if name:
        list_generations(workspace, name, as_json)
        return
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


def list_generations(workspace: Workspace, name: str, as_json: bool) -> None:
    """A line per generation, the newest last."""
    published = knowledge.load_manifest(workspace.paths, name).generation
    rows = []
    for number in knowledge.generations(workspace.paths, name):
        with knowledge.open_generation(workspace.paths, name, number) as generation:
            rows.append((number, number == published, generation.manifest))
    if as_json:
        told = ("created", "documents", "chunks", "embedder", "chunker", "chunk_tokens")
        print_json(
            [
                {"generation": number, "published": here} | {key: getattr(one, key) for key in told}
                for number, here, one in rows
            ]
        )
        return
    print_table(
        ("generation", "", "created", "documents", "chunks", "embedder", "chunker"),
        [
            (
                number,
                "published" if here else "",
                one.created,
                one.documents,
                one.chunks,
                one.embedder,
                f"{one.chunker}, {one.chunk_tokens} tokens",
            )
            for number, here, one in rows
        ],
        right=(0, 3, 4),
    )


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
