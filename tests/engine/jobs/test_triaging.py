"""Decisions about failures, written as labels and taken back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.jobs import triaging
from store import labels, runs
from store.errors import UsageError
from store.records.evals import CaseResult, CheckResult
from store.records.runs import JobKind, RunSpec
from store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One run in which two cases failed in one way."""
    (tmp_path / "temper.toml").write_text("")
    opened = Workspace(tmp_path)
    lay(opened, "evaluate-1", ["base"])
    return opened


def lay(workspace: Workspace, run: str, variants: list[str], job: JobKind = "evaluate") -> None:
    """A run in which two cases failed in one way, for every variant or approach."""
    params = {"suite": "mine", "wanted": {"variant": ""}}
    spec = RunSpec(run, job, run, "", params)  # created in the order of their names
    folder = runs.create(workspace.paths.runs, spec)
    failed = [CheckResult("exact", False, 0.0)]
    results = [
        CaseResult("mine", variant, case, "What is my fee?", "no", False, 0.0, failed, "yes")
        for variant in variants
        for case in ("c1", "c2")
    ]
    folder.results.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in results))


def test_the_trend_is_that_of_runs_in_which_the_same_variants_answered(workspace: Workspace) -> None:
    lay(workspace, "evaluate-2", ["base", "tuned"])
    lay(workspace, "evaluate-3", ["tuned"])
    lay(workspace, "evaluate-4", ["base", "tuned"])

    (group,) = triaging.of_run(workspace, "evaluate-4").groups

    assert [(one.source, one.count) for one in group.trend] == [("evaluate-2", 4), ("evaluate-4", 4)]


def test_the_failures_of_an_advice_are_those_of_the_prompt_as_it_is(workspace: Workspace) -> None:
    lay(workspace, "advise-2", ["bare", "prompt", "adapter"], "advise")

    found = triaging.of_run(workspace, "advise-2")
    triaging.decide(workspace, found.groups, "tone")

    assert (found.source, found.failures) == ("advise-2", 2)
    assert triaging.of_run(workspace, "advise-2", "adapter").groups[0].members[0].variant == "adapter"
    assert triaging.of_run(workspace, "evaluate-1").groups[0].category == "tone"  # the same cases, decided
    with pytest.raises(UsageError, match="none of 'tuned'"):
        triaging.of_run(workspace, "advise-2", "tuned")


def test_the_commands_for_an_advice_are_about_the_variant_that_it_started_from(workspace: Workspace) -> None:
    settings = """
        [models.tiny]
        path = "builtin:tiny"
        [knowledge.docs]
        sources = ["knowledge"]
        [variants.helper]
        model = "tiny"
        prompt = "helper.md"
        knowledge = "docs"
        [variants.base]
        model = "tiny"
        prompt = "base.md"
        [defaults]
        variant = "helper"
    """
    (workspace.root / "temper.toml").write_text(settings, encoding="utf-8")
    opened = Workspace(workspace.root)
    lay(opened, "advise-2", ["bare"], "advise")
    triaging.decide(opened, triaging.of_run(opened, "advise-2").groups, "tone")

    (group,) = triaging.of_run(opened, "advise-2").groups

    assert group.command == "temper variants add base-prompted --inherits base --prompt base.md"


def test_a_run_that_answered_nothing_cannot_be_triaged(workspace: Workspace) -> None:
    lay(workspace, "train-2", ["base"], "train")

    with pytest.raises(UsageError, match="is of another kind"):
        triaging.of_run(workspace, "train-2")


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
