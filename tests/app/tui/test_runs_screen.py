"""The runs screen on real runs and on run folders: watching, attaching, stopping, filtering."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Log

from app.tui.dialogs.confirm import ConfirmDialog
from app.tui.screens.runs import RunsScreen
from app.tui.widgets.run_list import RunList
from engine.jobs import launch
from engine.jobs.scripted import ScriptedParams
from store.records.events import Failure, Finished, Notice, Progress
from store.runs import view
from store.workspace import Workspace
from tests.app.tui.stage import Staged, add_events, alive, dialog, lay_run, steps, text_of, until

pytestmark = pytest.mark.asyncio

STEP = {"kind": "step", "loss": 2.0, "total": 100, "tokens_per_second": 911.0, "memory_bytes": 1_400_000_000}


def chosen_is(app: Staged, run_id: str) -> bool:
    """Whether the page shows this run, with what is known of it."""
    screen = app.screen
    if not isinstance(screen, RunsScreen) or screen.query_one(RunList).chosen != run_id:
        return False
    return app.board.history is not None and app.board.history.run_id == run_id


async def test_a_real_run_is_watched_while_it_works_and_goes_on_when_the_app_closes(
    workspace: Workspace,
) -> None:
    events = [STEP | {"step": n} for n in range(1, 31)]
    folder = launch.start(workspace, "scripted", ScriptedParams(events=events, hold=True), "watched")
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "30/100" in text_of(app, "#run-head"))
        assert "911" in text_of(app, "#run-figures")
        await pilot.press("q")
    assert view(folder).state == "running"
    again = Staged(workspace)
    async with again.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "30/100" in text_of(again, "#run-head"))
        await pilot.press("s", "y")
        await until(pilot, lambda: "cancelled" in text_of(again, "#run-head"))
    assert view(folder).state == "cancelled"


async def test_stopping_asks_first_and_no_means_no(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(2, 10))
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test() as pilot:
            await pilot.press("2")
            await until(pilot, lambda: chosen_is(app, "train-a"))
            await pilot.press("s")
            await dialog(pilot, ConfirmDialog)
            await pilot.press("n")
            assert isinstance(app.screen, RunsScreen)
    assert not folder.control.exists()


async def test_a_run_that_has_ended_cannot_be_stopped(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: chosen_is(app, "train-a"))
        await pilot.press("s")
        assert isinstance(app.screen, RunsScreen)


async def test_another_run_shows_its_own_page(workspace: Workspace, clock: object) -> None:
    lay_run(workspace, "train-a", "train", "first", [*steps(5, 10), Finished(status="finished")])
    failure = Failure("The disk is full", "12 MB are free.", "Free some space.")
    lay_run(workspace, "train-b", "train", "second", [Finished(status="failed", error=failure)])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: chosen_is(app, "train-b"))
        assert "Free some space." in text_of(app, "#run-error")
        await pilot.press("down")
        await until(pilot, lambda: chosen_is(app, "train-a"))
        await until(pilot, lambda: text_of(app, "#run-head").startswith("first"))
        assert not app.screen.query_one("#run-error").display


async def test_attach_gives_the_page_the_screen_and_escape_gives_it_back(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: chosen_is(app, "train-a"))
        await pilot.press("a")
        await until(pilot, lambda: not app.screen.query_one("#runs-left").display)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#runs-left").display)
        assert isinstance(app.focused, RunList)


async def test_the_filter_narrows_the_list_and_escape_takes_it_off(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "wallet intents", [Finished(status="finished")])
    lay_run(workspace, "export-b", "export", "contracts", [Finished(status="failed")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.screen.query_one(RunList).option_count == 2)
        await pilot.press("slash", *"failed")
        await until(pilot, lambda: app.screen.query_one(RunList).option_count == 1)
        assert app.screen.query_one(RunList).chosen == "export-b"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one(RunList).option_count == 2)
        assert not app.screen.query_one(Input).display


async def test_a_filter_that_fits_nothing_says_so(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "wallet", [Finished(status="finished")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.screen.query_one(RunList).option_count == 1)
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: app.screen.query_one("#no-match").display)


async def test_news_of_a_running_run_arrive_without_a_key(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(2, 10))
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test() as pilot:
            await pilot.press("2")
            await until(pilot, lambda: "2/10" in text_of(app, "#run-head"))
            add_events(folder, [*steps(7, 10)[2:], Notice(title="A row was cut", level="warn")])
            await until(pilot, lambda: "7/10" in text_of(app, "#run-head"))
            assert "A row was cut" in text_of(app, "#event-lines")


async def test_l_switches_to_the_log(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    folder.log.write_text("loading the model\n", encoding="utf-8")
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: chosen_is(app, "train-a"))
        await pilot.press("l")
        log = app.screen.query_one(Log)
        await until(pilot, lambda: log.lines and log.lines[0] == "loading the model")
        assert log.display


async def test_a_run_without_steps_shows_its_phases(workspace: Workspace) -> None:
    folder = lay_run(workspace, "export-a", "export", "a", [Progress(phase="merge", done=3, total=12)])
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test() as pilot:
            await pilot.press("2")
            await until(pilot, lambda: "merge" in text_of(app, "#run-phases"))


async def test_without_runs_the_screen_says_how_to_start_one(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.screen.query_one("#no-runs-yet").display)
        assert "temper train" in text_of(app, "#no-runs-yet")


async def test_the_plotting_library_is_not_imported_before_there_is_a_curve(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.board.complete)
        assert not app.screen.query("#chart")
