"""The check job: a report is stored, its result points to it, what cannot be done fails with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.data.ensure import ensure_dataset
from engine.jobs import launch
from engine.jobs.check import CheckParams
from store import check_reports, datasets, runs
from store.errors import ExitCode
from store.paths import default_embedder
from store.records.events import Progress
from store.records.findings import CheckSettings
from store.records.runs import RunView
from store.workspace import Workspace
from tests.workers import end, events_of, run_here


def check(workspace: Workspace, **settings: Any) -> RunView:
    """The job on the workspace's dataset, imported first, done in this process."""
    ensure_dataset(workspace, "chats")
    params = CheckParams("chats", CheckSettings(**settings))
    return runs.view(run_here(workspace, "check", params, "check chats"))


def write_rows(workspace: Workspace, rows: list[dict[str, str]]) -> None:
    source = workspace.root / "data" / "chats.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def test_the_result_points_to_the_stored_report_and_counts_its_findings(workspace: Workspace) -> None:
    write_rows(workspace, [{"prompt": f"say {n}", "completion": "ring\a"} for n in range(3)])
    ensure_dataset(workspace, "chats")
    folder = launch.start(workspace, "check", CheckParams("chats", CheckSettings()), "check chats")
    end(folder)
    view = runs.view(folder)
    assert view.state == "finished"
    report = check_reports.find(workspace.paths, "chats", 1, view.result["sha256"])
    assert view.result["findings"] == {finding.id: finding.count for finding in report.findings}
    assert (view.result["dataset"], view.result["version"]) == ("chats", 1)
    assert view.result["verdict"] == report.verdict == "warn"
    assert view.result["findings"]["encoding/control"] == 3
    assert {"already_known", "off_task"} <= set(view.result["skipped"])


def test_progress_has_a_total(workspace: Workspace) -> None:
    ensure_dataset(workspace, "chats")
    folder = run_here(workspace, "check", CheckParams("chats", CheckSettings()), "check chats")
    phases = {event.phase: event for event in events_of(folder, Progress) if isinstance(event, Progress)}
    assert (phases["read rows"].done, phases["read rows"].total) == (8, 8)
    assert phases["compare rows"].total > 1


def test_a_model_that_is_not_there_fails_the_run_with_its_exit_code(workspace: Workspace) -> None:
    view = check(workspace, model="tinny")
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.exit_code == ExitCode.USAGE
    assert check_reports.latest(workspace.paths, "chats", 1) is None


@pytest.mark.skipif(not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)")
def test_the_embedder_is_used_where_the_settings_say_so(workspace: Workspace) -> None:
    task = "## In\n- lost phones and wallets\n## Out\n- which coin to buy as an investment"
    write_rows(
        workspace,
        [
            {"prompt": "My telephone was stolen", "completion": "a"},
            {"prompt": "Should I put my savings into bitcoin now?", "completion": "b"},
        ],
    )
    view = check(workspace, task=task, embeddings=True)
    report = check_reports.find(workspace.paths, "chats", 1, view.result["sha256"])
    off = next(finding for finding in report.findings if finding.id == "off_task")
    assert [ref.line for ref in off.rows] == [2]
    assert off.detail == "compared by meaning"


def test_the_model_is_asked_where_the_settings_say_so(workspace: Workspace) -> None:
    view = check(workspace, model="tiny", known=True, known_rows=2)
    assert view.state == "finished"
    assert "already_known" not in view.result["skipped"]


def test_a_damaged_version_fails_the_run_and_names_the_file(workspace: Workspace) -> None:
    ensure_dataset(workspace, "chats")
    (datasets.version_folder(workspace.paths, "chats", 1) / datasets.ROWS).write_bytes(b"PAR1 nothing")
    view = check(workspace)
    assert view.error is not None
    assert "rows.parquet" in view.error.happened
