"""The gate before training: which report counts, what stops a run, what a person accepted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.data.checks.asking import of_recipe
from engine.data.ensure import ensure_dataset
from engine.training import gate, preflight
from store import check_reports, labels
from store.errors import RefusedError, UsageError
from store.records.data import DatasetInfo
from store.records.findings import CheckReport, CheckSettings, Finding
from store.records.recipe import Recipe
from store.workspace import Workspace

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[datasets.chats]
source = "chats.jsonl"
"""
RECIPE = Recipe(base="tiny", dataset="chats", max_length=128)
LEAK = Finding("leakage/exact", "leakage", "block", "3 rows leak", 3, [], "Take them out")
PRIVATE = Finding("pii/email", "pii", "warn", "2 rows hold addresses", 2, [])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    rows = "".join(f'{{"prompt": "say {n}", "completion": "it is {n}"}}\n' for n in range(8))
    (tmp_path / "chats.jsonl").write_text(rows, encoding="utf-8")
    return Workspace(tmp_path)


@pytest.fixture
def info(workspace: Workspace) -> DatasetInfo:
    return ensure_dataset(workspace, "chats")


def lay(
    workspace: Workspace, *findings: Finding, created: str = "2026-01-31T10:00:00.000Z", **settings: Any
) -> CheckReport:
    """A stored report, as a check would have left it."""
    report = CheckReport(
        "chats",
        1,
        "",
        8,
        "warn",
        list(findings),
        [],
        CheckSettings(**settings),
        created,
    )
    return check_reports.save(workspace.paths, report)


def test_a_version_that_was_never_checked_is_checked_with_the_recipes_settings(
    workspace: Workspace, info: DatasetInfo
) -> None:
    report = gate.ensure_report(workspace, info, RECIPE)
    assert (report.settings.model, report.settings.max_length) == ("tiny", 128)
    assert {"truncation", "no_trained_token", "leakage"}.isdisjoint(one.check for one in report.skipped)
    assert gate.ensure_report(workspace, info, RECIPE) == report


def test_the_newest_report_is_the_one_that_counts(workspace: Workspace, info: DatasetInfo) -> None:
    lay(workspace, LEAK)
    later = lay(workspace, created="2026-02-01T10:00:00.000Z")
    assert gate.ensure_report(workspace, info, RECIPE) == later
    preflight.check(workspace, RECIPE)


def test_a_finding_that_blocks_stops_before_anything_starts_and_names_how_to_accept_it(
    workspace: Workspace, info: DatasetInfo
) -> None:
    lay(workspace, LEAK, PRIVATE)
    with pytest.raises(RefusedError) as refused:
        preflight.check(workspace, RECIPE)
    assert "3 rows leak. Take them out" in refused.value.happened
    assert "--accept leakage/exact" in refused.value.remedy
    assert "pii" not in refused.value.happened


@pytest.mark.parametrize("name", ["leakage/exact", "leakage"])
def test_an_accepted_finding_passes_by_id_or_by_check_and_is_remembered_for_this_version(
    workspace: Workspace, info: DatasetInfo, name: str
) -> None:
    report = lay(workspace, LEAK, PRIVATE)
    assert gate.stand(workspace, report, RECIPE, [name]) == [LEAK, PRIVATE]
    gate.record(workspace, report, [name])
    gate.record(workspace, report, [name])
    kept = labels.read(workspace.paths, "finding")
    assert [(label.target, label.value) for label in kept] == [("chats@1:leakage/exact", "accepted")]
    preflight.check(workspace, RECIPE)
    other = CheckReport("chats", 2, "", 8, "block", [LEAK])
    with pytest.raises(RefusedError):
        gate.stand(workspace, other, RECIPE, [])


def test_a_name_that_means_nothing_is_refused_with_what_was_found(
    workspace: Workspace, info: DatasetInfo
) -> None:
    report = lay(workspace, LEAK)
    with pytest.raises(UsageError) as refused:
        gate.stand(workspace, report, RECIPE, ["leakge"])
    assert "leakage/exact" in refused.value.remedy


def test_a_check_that_found_nothing_may_be_accepted_in_advance(
    workspace: Workspace, info: DatasetInfo
) -> None:
    report = lay(workspace)
    assert gate.stand(workspace, report, RECIPE, ["leakage"]) == []


def test_rows_without_a_trained_token_count_only_under_the_recipes_own_settings(
    workspace: Workspace, info: DatasetInfo
) -> None:
    untrained = Finding("no_trained_token", "no_trained_token", "block", "1 row", 1, [])
    own = CheckSettings(model="tiny", max_length=128)
    other = lay(workspace, untrained, model="tiny", max_length=32)
    assert gate.concerning(other, own) == []
    report = lay(workspace, untrained, model="tiny", max_length=128)
    with pytest.raises(RefusedError):
        gate.stand(workspace, report, RECIPE, [])


def test_rows_that_rendering_leaves_nothing_of_stop_the_run_unless_accepted(
    workspace: Workspace, info: DatasetInfo
) -> None:
    gate.refuse_untrained(workspace, info, [], [])
    with pytest.raises(RefusedError, match="lines 3, 4"):
        gate.refuse_untrained(workspace, info, [3, 4], [])
    gate.refuse_untrained(workspace, info, [3, 4], ["no_trained_token"])
    gate.refuse_untrained(workspace, info, [3, 4], [])


def test_warnings_are_one_line(workspace: Workspace) -> None:
    assert gate.warning_line([LEAK, PRIVATE]) == "The data check warns of pii/email (2)"
    assert gate.warning_line([LEAK]) == ""


def test_an_absent_package_never_stops_training(
    workspace: Workspace, info: DatasetInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("duckdb", "datasketch", "sklearn", "scipy", "ftfy", "py3langid", "phonenumbers"):
        monkeypatch.setitem(sys.modules, package, None)
    report = gate.ensure_report(workspace, info, RECIPE)
    assert {"encoding", "language"} <= {one.check for one in report.skipped}
    assert gate.stand(workspace, report, RECIPE, []) is not None


def test_the_variant_that_takes_the_newest_adapter_is_what_training_is_for(
    workspace: Workspace, info: DatasetInfo
) -> None:
    with workspace.paths.settings.open("a", encoding="utf-8") as file:
        file.write(
            '[variants.base]\nmodel = "tiny"\n[variants.tuned]\nmodel = "tiny"\nadapter = "last"\n'
            '[defaults]\nvariant = "base"\n'
        )
    assert of_recipe(Workspace(workspace.root), RECIPE).variant == "tuned"
