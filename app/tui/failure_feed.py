"""Failures in groups for the screen, and what a person decides about them.

Reads files and computes: call it in threads. Knows no widget; how failures are grouped is engine.evals'.
"""

from __future__ import annotations

from app.tui.scoreboard import Scored
from store.records.triage import Category, FailureGroup, Triage
from store.workspace import Workspace


def look(workspace: Workspace, row: Scored) -> Triage:
    """The failures behind a row of the matrix, as they stand now. Raises what triage raises."""
    from engine.jobs import triaging

    return triaging.of_run(workspace, row.run_id, row.score.name)


def decide(workspace: Workspace, group: FailureGroup, category: Category | None) -> int:
    """Say what a group is; None: what it was guessed to be. How many labels were written."""
    from engine.jobs import triaging

    return triaging.decide(workspace, [group], category)
