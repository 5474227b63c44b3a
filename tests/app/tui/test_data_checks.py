"""Checks and fixes from the data screen: real jobs, real commands, what is shown meanwhile and after."""

from __future__ import annotations

import json

import pytest

from app.tui.dialogs.error import ErrorDialog
from app.tui.dialogs.fix import FixDialog
from app.tui.widgets.book_list import BookList
from app.tui.widgets.findings_pane import FindingList, FindingsPane
from store import datasets
from store.records.events import Event, Failure, Finished, Progress
from store.workspace import Workspace
from tests.app.tui.data_stage import DataStaged, finding, findings, lay_dataset, lay_report, press_once_open
from tests.app.tui.stage import alive, dialog, lay_run, text_of, until

pytestmark = pytest.mark.asyncio


async def test_the_fix_of_a_finding_can_be_copied(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one(FindingsPane).chosen)
        await pilot.press("x")
        await dialog(pilot, FixDialog)
        await pilot.press("c")
        assert app.clipboard == "temper data fix support --drop-leaks"


async def test_the_fix_of_a_finding_makes_a_new_version_after_a_yes(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace, rows=12), [findings()[2]], "warn")
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await press_once_open(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one(FindingsPane).chosen)
        await pilot.press("x", "y")
        await until(pilot, lambda: datasets.versions(workspace.paths, "support") == [1, 2])
        chosen = app.screen.query_one(BookList)
        await until(pilot, lambda: chosen.chosen is not None and chosen.chosen.key == "support@2")
    made = datasets.load_info(workspace.paths, "support", 2)
    assert made.parent == "support@1"
    assert [edit.rows for edit in made.edits] == [1]


async def test_a_fix_that_is_refused_says_so_in_the_commands_own_words(workspace: Workspace) -> None:
    odd = finding("pii/email", "warn", "1 row", [5], "temper data fix support --drop no_such_check")
    lay_report(workspace, lay_dataset(workspace, rows=12), [odd], "warn")
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await press_once_open(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one(FindingsPane).chosen)
        await pilot.press("x", "y")
        await dialog(pilot, ErrorDialog)
        await until(
            pilot, lambda: any("no_such_check" in str(one.render()) for one in app.screen.query("Static"))
        )


async def test_a_new_report_appears_without_a_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tui.screens.data.LOOK_SECONDS", 0.5)
    info = lay_dataset(workspace)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one("#never-checked").display)
        lay_report(workspace, info)
        await until(pilot, lambda: app.screen.query_one(FindingList).option_count == 5)


async def test_a_check_under_way_is_shown_with_what_is_left(workspace: Workspace) -> None:
    lay_dataset(workspace)
    events: list[Event] = [Progress(phase="near_duplicate", done=30, total=40, eta_seconds=12.0)]
    folder = lay_run(workspace, "check-a", "check", "check support@1", events)
    app = DataStaged(workspace)
    with alive(folder):
        async with app.run_test() as pilot:
            await until(pilot, lambda: "30/40   0:12 left" in text_of(app, "#check-run"))
            await pilot.press("c")  # one at a time
            assert list(app.board.order) == ["check-a"]


async def test_a_check_that_failed_says_why(workspace: Workspace) -> None:
    lay_dataset(workspace)
    failure = Failure("A dataset version is damaged", "rows.parquet is short.", "Import it again.")
    lay_run(workspace, "check-a", "check", "check support@1", [Finished(status="failed", error=failure)])
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Import it again." in text_of(app, "#check-run"))


async def test_c_imports_and_checks_a_dataset_and_the_report_appears(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.checks.asking.MOST_EMBEDDED", 0)  # loading the embedder takes long
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Question {n % 5}"},
                {"role": "assistant", "content": "yes"},
            ]
        }
        for n in range(12)
    ]
    recipe = 'base = "tiny"\ndataset = "support"\n'
    (workspace.root / "recipes" / "support.toml").write_text(recipe, encoding="utf-8")
    source = workspace.paths.data / "support.jsonl"
    source.parent.mkdir(exist_ok=True)
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.has_class("unimported"))
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query_one(FindingsPane).report)
        assert datasets.versions(workspace.paths, "support") == [1]
