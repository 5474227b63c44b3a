"""Which embedder and which sources a knowledge base has. Light: for commands as well as for workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from store.errors import MissingError, UsageError
from store.paths import default_embedder
from store.records.workspace import Knowledge
from store.workspace import Workspace

BUILTIN_EMBEDDER = "builtin:minilm"


def embedder_path(workspace: Workspace, embedder: str) -> Path:
    """The file that a `[knowledge.NAME]` table's `embedder` means. Raises MissingError if it is not there."""
    path = default_embedder() if embedder == BUILTIN_EMBEDDER else workspace.path(embedder)
    if not path.is_file():
        remedy = (
            "Set up again: scripts/setup"
            if embedder == BUILTIN_EMBEDDER
            else "Check `embedder` in temper.toml."
        )
        raise MissingError("The embedding model is not there", f"{path} is no file.", remedy)
    return path


def choose_base(workspace: Workspace, name: str | None) -> str:
    """The knowledge base that is meant: `name`, else the default, else the only one. Raises UsageError."""
    known = list(workspace.config.knowledge)
    if chosen := name or workspace.config.defaults.knowledge or (known[0] if len(known) == 1 else None):
        return chosen
    if known:
        raise UsageError(
            "Which knowledge base?",
            f"temper.toml knows {', '.join(sorted(known))}.",
            "Name one with --kb NAME.",
        )
    raise UsageError(
        "There is no knowledge base yet",
        "temper.toml has no [knowledge.NAME].",
        "Make one with: temper kb ingest FOLDER --kb NAME",
    )


def with_sources(workspace: Workspace, known: Knowledge | None, paths: Sequence[Path]) -> Knowledge:
    """`known` with `paths` added to its sources, as temper.toml writes them: relative to the workspace.

    Raises MissingError for a path that is not there.
    """
    sources = list(known.sources) if known else []
    for path in paths:
        full = Path(os.path.abspath(path.expanduser()))
        if not full.exists():
            raise MissingError("There is nothing to ingest", f"{full} does not exist.", "Check the path.")
        written = (
            full.relative_to(workspace.root).as_posix() if full.is_relative_to(workspace.root) else str(full)
        )
        if written not in sources:
            sources.append(written)
    if known is None:
        return Knowledge(sources)
    return Knowledge(sources, known.embedder, known.chunk_tokens)
