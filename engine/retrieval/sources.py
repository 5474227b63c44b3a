"""Which embedder and which sources a knowledge base has. Light: for commands as well as for workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from store import knowledge
from store.errors import MissingError, UsageError
from store.hashing import sha256_of_file
from store.paths import default_embedder
from store.records.knowledge import Manifest
from store.records.workspace import Knowledge
from store.workspace import Workspace

BUILTIN_EMBEDDER = "builtin:minilm"


def embedder_path(workspace: Workspace, embedder: str) -> Path:
    """The file that a `[knowledge.NAME]` table's `embedder` means. Raises MissingError if it is not there."""
    path = _path(workspace, embedder)
    if not path.is_file():
        remedy = (
            "Set up again: scripts/setup"
            if embedder == BUILTIN_EMBEDDER
            else "Put the file back, or check `embedder` in temper.toml. Another embedder means a rebuild:\n"
            "temper kb ingest --kb NAME --embedder FILE"
        )
        raise MissingError("The embedding model is not there", f"{path} is no file.", remedy)
    return path


def generation_embedder(workspace: Workspace, manifest: Manifest) -> Path:
    """The file that made the vectors of a generation: others are not comparable.

    That is the one that temper.toml names, or, while the next generation is being built with another one, the
    one that the last was built with. Raises UsageError where it is neither, MissingError where it is gone.
    """
    kb = manifest.kb
    named = workspace.knowledge(kb).embedder
    candidates = [named]
    if manifest.embedder_path and knowledge.is_building(workspace.paths, kb):
        candidates.append(manifest.embedder_path)
    for candidate in candidates:
        path = _path(workspace, candidate)
        if path.is_file() and sha256_of_file(path) == manifest.embedder_sha256:
            return path
    path = embedder_path(workspace, named)
    made_with = f"{manifest.embedder} ({manifest.embedder_sha256[:12]})"
    raise UsageError(
        f"Knowledge base {kb!r} was built with another embedder",
        f"It was built with {made_with}; temper.toml names {path}, whose vectors mean something else.",
        f"Build it anew with: temper kb ingest --kb {kb}\nor name the old embedder in temper.toml.",
    )


def written_path(workspace: Workspace, embedder: str) -> str:
    """What temper.toml calls the file that somebody typed. Raises MissingError if it is not there."""
    if embedder == BUILTIN_EMBEDDER:
        return embedder
    path = Path(os.path.abspath(Path(embedder).expanduser()))
    inside = path.is_relative_to(workspace.root)
    name = path.relative_to(workspace.root).as_posix() if inside else str(path)
    embedder_path(workspace, name)
    return name


def rebuild_needed(workspace: Workspace, kb: str, embedder: str) -> Manifest | None:
    """The published generation, where it was built with another embedder than `embedder`."""
    if knowledge.current(workspace.paths, kb) is None:
        return None
    manifest = knowledge.load_manifest(workspace.paths, kb)
    same = sha256_of_file(embedder_path(workspace, embedder)) == manifest.embedder_sha256
    return None if same else manifest


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
    return msgspec.structs.replace(known, sources=sources) if known else Knowledge(sources)


def written(settings: Knowledge) -> dict[str, object]:
    """Settings as temper.toml holds them: without what is as it would be anyway."""
    plain = msgspec.to_builtins(Knowledge(settings.sources))
    return {
        key: value
        for key, value in msgspec.to_builtins(settings).items()
        if key == "sources" or value != plain[key]
    }


def _path(workspace: Workspace, embedder: str) -> Path:
    return default_embedder() if embedder == BUILTIN_EMBEDDER else workspace.path(embedder)
