"""`temper kb list`: all knowledge bases of the workspace."""

from __future__ import annotations

from typing import Any

import click

from app.cli.output import json_option, print_json, print_table, say
from store import knowledge
from store.workspace import Workspace, open_workspace


@click.command("list")
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
