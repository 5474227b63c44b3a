"""Decisions about failures, written as labels and taken back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.jobs import triaging
from store import labels, runs
from store.records.evals import CaseResult, CheckResult
from store.records.runs import RunSpec
from store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One run in which two cases failed in one way."""
    (tmp_path / "temper.toml").write_text("")
    opened = Workspace(tmp_path)
    folder = runs.create(opened.paths.runs, RunSpec("evaluate-1", "evaluate", "", "", {"suite": "mine"}))
    failed = [CheckResult("exact", False, 0.0)]
    results = [
        CaseResult("mine", "base", case, "What is my fee?", "no", False, 0.0, failed, "yes")
        for case in ("c1", "c2")
    ]
    folder.results.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in results))
    return opened


def test_a_decision_that_is_taken_back_leaves_the_group_undecided(workspace: Workspace) -> None:
    groups = triaging.of_run(workspace, "evaluate-1").groups
    before = triaging.held(workspace, groups)
    triaging.decide(workspace, groups, "product")
    assert triaging.of_run(workspace, "evaluate-1").groups[0].category == "product"

    triaging.restore(workspace, before)

    assert not any(group.named for group in triaging.of_run(workspace, "evaluate-1").groups)
    assert len(labels.read(workspace.paths, "category")) == 4  # nothing is struck out: decisions are added


def test_what_held_before_holds_again(workspace: Workspace) -> None:
    groups = triaging.of_run(workspace, "evaluate-1").groups
    triaging.decide(workspace, groups, "product", note="hardware")
    before = triaging.held(workspace, groups)
    triaging.decide(workspace, groups, "tone")

    triaging.restore(workspace, before)

    group = triaging.of_run(workspace, "evaluate-1").groups[0]
    assert (group.category, group.note) == ("product", "hardware")
