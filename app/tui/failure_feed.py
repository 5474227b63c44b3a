"""Failures in groups for the screen, and what a person decides about them.

Reads files and computes: call it in threads. Knows no widget; how failures are grouped is engine.evals'.
"""

from __future__ import annotations

import msgspec

from app.tui.scoreboard import Scored
from store.records.labels import Label
from store.records.triage import Category, FailureGroup, Triage
from store.workspace import Workspace


class Decided(msgspec.Struct):
    """A decision that can be taken back: what is said of it, and what held before."""

    told: str
    before: dict[str, Label | None]


def look(workspace: Workspace, row: Scored) -> Triage:
    """The failures behind a row of the matrix, as they stand now. Raises what triage raises."""
    from engine.jobs import triaging

    return triaging.of_run(workspace, row.run_id, row.score.name)


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
