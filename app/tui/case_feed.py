"""The cases of eval runs for the screen, and two variants compared case by case.

Reads files and computes: call it in threads. Knows no widget; what a difference amounts to is engine.evals'.
"""

from __future__ import annotations

from collections.abc import Callable

from app.tui.scoreboard import Scored, stem_of
from store import labels, runs
from store.records.comparing import Comparison, Side
from store.records.evals import CaseResult
from store.workspace import Workspace

Start = Callable[..., None]
"""Starts a job on a suite's file."""


def cases(workspace: Workspace, suite: str, row: Scored) -> list[CaseResult]:
    """The results behind a row of the matrix, failed ones first, else in the order of the suite.

    Raises MissingError where the run's folder lost them.
    """
    from engine.jobs.eval_results import results_of

    folder = runs.find(workspace.paths.runs, row.run_id)
    found = [one for one in results_of(folder, row.score.name) if one.suite == suite]
    return sorted(found, key=lambda one: one.passed)


def compare(workspace: Workspace, suite: str, a: Scored, b: Scored) -> Comparison:
    """`b` against `a` on the cases that both have. Raises what the comparison raises."""
    from engine.jobs import comparing

    def side(row: Scored) -> comparing.Asked:
        return comparing.Asked(row.score.name, runs.find(workspace.paths.runs, row.run_id))

    return comparing.compare(workspace, suite, side(a), side(b))


def key(side: Side) -> str:
    """One side of a comparison as labels name it."""
    return f"{side.run_id}:{side.variant}"


def blessed(workspace: Workspace, suite: str) -> str:
    """The side that is the suite's baseline by a person's decision, as `key` names it; empty without one.

    Raises UsageError where the labels cannot be read.
    """
    label = labels.latest(labels.read(workspace.paths, "baseline")).get(suite)
    return label.value if label is not None else ""


def bless(workspace: Workspace, found: Comparison) -> str:
    """Make B's run the suite's baseline, as `temper compare A B --bless` does; B's key.

    Raises UsageError where the gate failed.
    """
    from engine.jobs import comparing

    return comparing.bless(workspace, found).value


def evaluate(workspace: Workspace, path: str, variant: str) -> None:
    """Start an eval run of the suite's file on a variant. Raises what the start of a job raises."""
    from engine.jobs import comparing

    comparing.start_evaluation(workspace, workspace.root / path, [variant])


def advise(workspace: Workspace, path: str) -> None:
    """Start the advisor on the suite's file, with the adapter that there is: it trains none.

    Raises what the start of a job raises.
    """
    from engine.jobs import launch
    from engine.jobs.advise import AdviseParams
    from engine.jobs.advising.ways import Wanted

    command = f"temper advise {path}"
    wanted = Wanted(unprobed=f"none is trained on these rows; `{command}` would train a short one first")
    launch.start(workspace, "advise", AdviseParams(path, wanted), stem_of(path), command)
