"""An older generation of a knowledge base made the published one again, and old ones removed. Light."""

from __future__ import annotations

import msgspec

from engine.retrieval.sources import written
from store import knowledge
from store.errors import UsageError
from store.records.knowledge import Manifest
from store.workspace import Workspace


class RolledBack(msgspec.Struct):
    """From which generation to which; the embedder that temper.toml names again, if it had named another."""

    kb: str
    was: int
    generation: int
    embedder: str = ""


def roll_back(workspace: Workspace, kb: str, to: int | None = None) -> RolledBack:
    """Point to generation `to`, or to the one before the published one.

    Where it was built with another embedder than temper.toml names, the settings change with it. Raises
    MissingError for a generation that is not there, UsageError where there is none before, BusyError while
    one is being built.
    """
    paths = workspace.paths
    was = knowledge.load_manifest(paths, kb).generation
    with knowledge.publishing(paths, kb, "temper kb rollback"):
        if to is None:
            before = [number for number in knowledge.generations(paths, kb) if number < was]
            if not before:
                raise UsageError(
                    f"There is nothing to roll {kb!r} back to",
                    f"Generation {was} is the oldest on the disk.",
                    f"To keep more of them, set `keep` in [knowledge.{kb}] of temper.toml.",
                )
            to = before[-1]
        with knowledge.open_generation(paths, kb, to) as generation:
            embedder = _name_embedder(workspace, generation.manifest)
        knowledge.roll_back(paths, kb, to)
    return RolledBack(kb, was, to, embedder)


def prune(workspace: Workspace, kb: str, keep: int | None = None) -> list[int]:
    """Remove all but the newest `keep` generations (as temper.toml says when left out); the numbers removed.

    The published one stays, and those that somebody reads. Raises BusyError while one is being built.
    """
    settings = workspace.config.knowledge.get(kb)
    most = keep or (settings.keep if settings else knowledge.KEPT)
    knowledge.load_manifest(workspace.paths, kb)  # a name that was never built is a mistake
    with knowledge.publishing(workspace.paths, kb, "temper kb prune"):
        return knowledge.prune(workspace.paths, kb, most)


def _name_embedder(workspace: Workspace, manifest: Manifest) -> str:
    """Make temper.toml name the embedder of a generation; its name if it had named another."""
    settings = workspace.config.knowledge.get(manifest.kb)
    if settings is None or manifest.embedder_path in ("", settings.embedder):
        return ""
    changed = msgspec.structs.replace(settings, embedder=manifest.embedder_path)
    workspace.amend("knowledge", manifest.kb, written(changed))
    return manifest.embedder_path
