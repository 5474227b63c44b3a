"""The data screen: versions, findings, rows, previews, checks. Real files, real checks; scripted previews."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.error import ErrorDialog
from app.tui.screens.data import DataScreen
from app.tui.widgets.book_list import BookList
from app.tui.widgets.dropped_pane import DroppedList
from app.tui.widgets.findings_pane import FindingList, FindingsPane
from app.tui.widgets.preview_pane import PreviewPane
from app.tui.widgets.row_table import RowTable
from app.tui.widgets.rows_pane import RowsPane
from app.tui.widgets.token_view import TokenView
from store import datasets
from store.errors import UsageError
from store.records.data import Dropped, Edit
from store.workspace import Workspace
from tests.app.tui.data_stage import (
    DataStaged,
    ScriptedPreviews,
    findings,
    lay_dataset,
    lay_report,
    press_once_open,
)
from tests.app.tui.stage import dialog, text_of, until

pytestmark = pytest.mark.asyncio


def screen_of(app: DataStaged) -> DataScreen:
    """The data screen, which is to be seen."""
    assert isinstance(app.screen, DataScreen)
    return app.screen


def table_of(app: DataStaged) -> RowTable:
    """The table of all rows."""
    return app.screen.query_one("#row-table", RowTable)


def rows_are_there(app: DataStaged) -> bool:
    """Whether the open version's rows can be looked at."""
    return (
        isinstance(app.screen, DataScreen)
        and app.screen.query_one(RowsPane).feed is not None
        and table_of(app).count > 0
    )


def cells_of_first_row(app: DataStaged) -> str:
    """What stands in the first line of the table; nothing while there is none."""
    return str(table_of(app).line(0, 90)) if table_of(app).count else ""


async def test_versions_are_listed_with_the_outcome_of_their_newest_check(workspace: Workspace) -> None:
    first = lay_dataset(workspace, dropped=[Dropped(7, "empty")])
    lay_report(workspace, first, verdict="warn")
    lay_dataset(workspace, parent="support@1", edits=[Edit("drop_duplicates", 12)])
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        listed = app.screen.query_one(BookList)
        await until(pilot, lambda: listed.option_count == 2)
        newest, oldest = (str(listed.get_option_at_index(at).prompt) for at in (0, 1))
        assert "◌ support@2" in newest
        assert "from @1: drop duplicates 12" in newest
        assert "▲ support@1" in oldest
        assert "1 dropped at import" in oldest


async def test_without_datasets_the_screen_says_what_to_type(workspace: Workspace) -> None:
    settings = workspace.root / "temper.toml"
    settings.write_text(
        settings.read_text().replace('[datasets.support]\nsource = "data/support.jsonl"\n', "")
    )
    app = DataStaged(Workspace(workspace.root))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one("#no-data").display)
        assert "temper data import FILE --as NAME" in text_of(app, "#no-data")


async def test_a_dataset_that_was_never_imported_says_how_to(workspace: Workspace) -> None:
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("unimported"))
        assert "temper data check support" in text_of(app, "#not-imported")


async def test_a_version_without_a_report_says_how_to_check_it(workspace: Workspace) -> None:
    lay_dataset(workspace)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one("#never-checked").display)
        assert "temper data check support@1" in text_of(app, "#never-checked")


async def test_the_chosen_finding_shows_its_remedy_and_its_rows_in_groups(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await press_once_open(pilot, "enter")
        rows = app.screen.query_one("#finding-rows", RowTable)
        await until(pilot, lambda: rows.count)
        assert "temper data fix support --drop-leaks" in text_of(app, "#finding-text")
        assert rows.entries[0] == "the same question · 1.00 · 2 rows"
        assert rows.place == 6  # heads are stepped over
        await pilot.press("down")
        await until(pilot, lambda: "near_duplicate" in text_of(app, "#finding-text"))
        assert "jaccard" in text_of(app, "#finding-figures")


async def test_enter_on_a_row_of_a_finding_shows_it_among_the_rows_of_that_finding(
    workspace: Workspace,
) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await press_once_open(pilot, "enter")
        rows = app.screen.query_one("#finding-rows", RowTable)
        await until(pilot, lambda: rows.count and rows_are_there(app))
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: list(table_of(app).entries) == [6, 13, 14, 21])
        assert table_of(app).place == 14
        assert screen_of(app).pane == "rows"
        await pilot.press("escape")
        assert screen_of(app).pane == "findings"


async def test_a_finding_on_the_whole_dataset_has_a_chart_and_no_rows(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await press_once_open(pilot, "enter")
        await until(pilot, lambda: rows_are_there(app))
        app.screen.query_one(FindingList).highlighted = 3
        await until(pilot, lambda: "recovery" in text_of(app, "#finding-figures"))
        assert not app.screen.query_one("#finding-rows").display


async def test_checks_that_did_not_run_are_named(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace), [], "ok")
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "there is no embedder here" in text_of(app, "#finding-text"))


async def test_a_hundred_rows_further_down_are_read_when_they_are_to_be_seen(workspace: Workspace) -> None:
    lay_dataset(workspace, rows=300)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: "lost my phone" in cells_of_first_row(app))
        table = table_of(app)
        assert len(table._cells) < 60
        await pilot.press("end")
        await until(pilot, lambda: 299 in table._cells and "300th" in table._cells[299].asked)
        assert table.place == 299
        assert table.scroll_offset.y > 200


async def test_s_shows_one_split_after_the_other_and_then_all(workspace: Workspace) -> None:
    lay_dataset(workspace, rows=14)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: rows_are_there(app))
        await pilot.press("s")
        await until(pilot, lambda: table_of(app).count == 12)
        await pilot.press("s")
        await until(pilot, lambda: list(table_of(app).entries) == [6, 13])
        await pilot.press("s")
        await until(pilot, lambda: table_of(app).count == 14)


async def test_the_search_narrows_the_rows_and_escape_takes_it_off(workspace: Workspace) -> None:
    lay_dataset(workspace, rows=40)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: rows_are_there(app))
        await pilot.press("slash", *"ELV")
        await until(pilot, lambda: list(table_of(app).entries) == [3, 11, 19, 27, 35])
        assert "5 of 40 rows" in text_of(app, "#row-filters")
        await pilot.press("enter")
        assert app.focused is table_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: table_of(app).count == 40)
        assert not app.screen.query_one("#row-search", Input).display


async def test_a_search_without_a_hit_says_so(workspace: Workspace) -> None:
    lay_dataset(workspace)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: rows_are_there(app))
        await pilot.press("slash", *"zz")
        await until(pilot, lambda: "No row fits" in text_of(app, "#no-rows"))


async def test_rows_of_a_finding_can_be_asked_for_in_the_table(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: rows_are_there(app))
        await pilot.press("w")
        await dialog(pilot, ChooseDialog)
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: list(table_of(app).entries) == [5])
        assert "n***@example.org" in str(table_of(app).line(0, 90))


async def test_enter_on_a_row_previews_it_and_the_arrows_go_to_its_neighbours(workspace: Workspace) -> None:
    lay_dataset(workspace)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "r")
        await until(pilot, lambda: rows_are_there(app))
        await pilot.press("enter")
        view = app.screen.query_one(TokenView)
        await until(pilot, lambda: view.lines)
        assert "7 of 29 carry loss" in text_of(app, "#preview-share")
        assert "✓ end trained" in text_of(app, "#preview-share")
        await pilot.press("right")
        await until(pilot, lambda: view.preview is not None and view.preview.line == 2)
        assert "2 of 40" in text_of(app, "#preview-row")
        await pilot.press("left")
        await until(pilot, lambda: view.preview is not None and view.preview.line == 1)
        await pilot.press("escape")
        assert screen_of(app).pane == "rows"


async def test_m_goes_through_the_masks_and_o_chooses_who_sees(workspace: Workspace) -> None:
    lay_dataset(workspace)
    previews = ScriptedPreviews()
    app = DataStaged(workspace, previews)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "p")
        await until(pilot, lambda: app.screen.query_one(TokenView).lines)
        await pilot.press("m", "m", "m")
        await until(pilot, lambda: previews.asked[-1][1].mask == "whole")
        await until(pilot, lambda: "every token" in text_of(app, "#preview-view"))
        await pilot.press("o", "down", "enter")
        await until(pilot, lambda: previews.asked[-1][1].name == "base")
        assert "base" in text_of(app, "#preview-view")


async def test_a_cut_answer_is_marked_where_it_is_cut(workspace: Workspace) -> None:
    lay_dataset(workspace)
    app = DataStaged(workspace, ScriptedPreviews(max_length=24))
    async with app.run_test() as pilot:
        await press_once_open(pilot, "p")
        view = app.screen.query_one(TokenView)
        await until(pilot, lambda: view.lines)
        assert any(line.rule.startswith("cut here, at 24 tokens") for line in view.lines)
        assert "end not trained" in text_of(app, "#preview-share")


async def test_a_model_that_cannot_show_rows_says_why_in_the_pane(workspace: Workspace) -> None:
    lay_dataset(workspace)
    error = UsageError("A GGUF file cannot show rows", "It is for inference.", "Name the directory.")
    app = DataStaged(workspace, ScriptedPreviews(error=error))
    async with app.run_test() as pilot:
        await press_once_open(pilot, "p")
        await until(pilot, lambda: "Name the directory." in text_of(app, "#preview-problem"))
        assert not isinstance(app.screen, ErrorDialog)


async def test_only_the_row_asked_for_last_is_shown(workspace: Workspace) -> None:
    lay_dataset(workspace)
    previews = ScriptedPreviews(hold=True)
    app = DataStaged(workspace, previews)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "p")
        await until(pilot, lambda: previews.asked)
        await pilot.press("right", "right")
        previews.let_go.set()
        view = app.screen.query_one(TokenView)
        await until(pilot, lambda: view.preview is not None)
        assert view.preview is not None
        assert view.preview.line == 3


async def test_dropped_rows_are_listed_with_line_and_reason(workspace: Workspace) -> None:
    lost = [Dropped(3, "not JSON: line ends early"), Dropped(9, "empty"), Dropped(12, "empty")]
    lay_dataset(workspace, dropped=lost)
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "d")
        listed = app.screen.query_one(DroppedList)
        await until(pilot, lambda: listed.count == 3)
        assert "not JSON: line ends early" in str(listed.line(0, 70))
        assert text_of(app, "#dropped-head").startswith("3 of 43 rows")
        assert text_of(app, "#dropped-reasons").startswith("empty")


async def test_a_damaged_version_becomes_a_dialog(workspace: Workspace) -> None:
    info = lay_dataset(workspace)
    (datasets.version_folder(workspace.paths, info.name, 1) / datasets.ROWS).write_bytes(b"PAR1")
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog) and app.screen.query("#dialog-title"))
        assert "damaged" in text_of(app, "#dialog-title")


async def test_on_a_narrow_screen_the_open_version_has_all_of_it(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace))
    app = DataStaged(workspace)
    async with app.run_test() as pilot:
        await press_once_open(pilot, "enter")
        await until(pilot, lambda: not app.screen.query_one("#data-left").display)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#data-left").display)
        assert isinstance(app.focused, BookList)


async def test_another_version_shows_its_own_rows_and_report(workspace: Workspace) -> None:
    lay_report(workspace, lay_dataset(workspace, rows=20), findings()[:1])
    lay_dataset(workspace, rows=9, parent="support@1")
    app = DataStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: rows_are_there(app) and table_of(app).count == 9)
        assert app.screen.query_one(FindingsPane).report is None
        await pilot.press("down")
        await until(pilot, lambda: table_of(app).count == 20)
        assert app.screen.query_one(PreviewPane).place is None
        report = app.screen.query_one(FindingsPane).report
        assert report is not None
        assert len(report.findings) == 1
