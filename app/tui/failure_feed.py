"""Failures in groups for the screen, and what a person decides about them.

Reads files and computes: call it in threads. Knows no widget; how failures are grouped is engine.evals'.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from app.tui.scoreboard import Scored
from app.tui.words import size
from store.records.labels import Label
from store.records.triage import Category, FailureGroup, Triage
from store.workspace import Workspace

Subject = Scored | Path
"""Whose failures: those of a row of the matrix, or a file of complaints."""
TABLES = (".csv", ".tsv", ".jsonl", ".parquet")


class Decided(msgspec.Struct):
    """A decision that can be taken back: what is said of it, and what held before."""

    told: str
    before: dict[str, Label | None]


def look(workspace: Workspace, of: Subject) -> Triage:
    """The failures behind a row of the matrix, or the complaints of a file, as they stand now.

    Raises what triage raises.
    """
    from engine.jobs import triaging

    if isinstance(of, Path):
        return triaging.of_file(workspace, of)
    return triaging.of_run(workspace, of.run_id, of.score.name)


def tables(workspace: Workspace) -> list[tuple[str, str]]:
    """Files of the workspace that may hold complaints, with their sizes."""
    root = workspace.root
    found = [
        path
        for place in (root, root / "data")
        for path in sorted(place.glob("*"))
        if path.suffix in TABLES and path.is_file()
    ]
    return [(str(path.relative_to(root)), size(path.stat().st_size)) for path in found]


def decide(workspace: Workspace, group: FailureGroup, category: Category | None) -> Decided:
    """Say what a group is; None: what it was guessed to be."""
    from engine.jobs import triaging

    before = triaging.held(workspace, [group])
    made = triaging.decide(workspace, [group], category)
    name = (category or group.category).replace("_", " ")
    return Decided(f"{made} label{'s' * (made != 1)}: {name}", before)


def take_back(workspace: Workspace, decided: Decided) -> None:
    """What held before a decision holds again."""
    from engine.jobs import triaging

    triaging.restore(workspace, decided.before)
