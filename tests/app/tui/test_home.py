"""Home, the first-run page, and switching between the screens."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.tui.app import TemperApp, run
from app.tui.screens.home import HomeScreen
from app.tui.screens.runs import RunsScreen
from app.tui.screens.welcome import WelcomeScreen
from app.tui.widgets.next_card import NextCard
from app.tui.widgets.run_list import RunList
from store.errors import UsageError
from store.leases import DeviceLease
from store.records.events import Finished
from store.workspace import Workspace
from tests.app.tui.stage import Staged, alive, lay_run, make_workspace, steps, text_of, until

pytestmark = pytest.mark.asyncio


async def test_home_names_the_workspace_and_its_place(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test():
        assert text_of(app, "#place") == "wallet-support\n~/wallet-support"


async def test_home_shows_the_next_step_with_its_command(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(NextCard).step)
        assert "temper train recipes/support.toml" in text_of(app, "#next-step")


async def test_enter_on_a_step_that_is_a_command_takes_it_along(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(NextCard).step)
        await pilot.press("enter")
        assert app.clipboard == "temper export train-a"


async def test_c_takes_the_command_of_any_step_along(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(NextCard).step)
        await pilot.press("c")
        assert app.clipboard == "temper train recipes/support.toml"


async def test_enter_on_a_run_attaches_to_it(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(RunList).option_count)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await until(pilot, lambda: app.screen.query_one(RunList).chosen == "train-a")
        assert app.screen.has_class("attached")


async def test_the_step_of_a_running_run_leads_to_it(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(3, 9))
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.screen.query_one(NextCard).step)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))


async def test_home_says_who_has_the_device(workspace: Workspace) -> None:
    lease = DeviceLease("cpu")
    assert lease.acquire(1, "train-of-somebody")
    app = Staged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "train-of-somebody" in text_of(app, "#machine"))
    lease.release()


async def test_the_digits_switch_screens_and_come_back(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("2")
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("1")
        assert isinstance(app.screen, HomeScreen)


async def test_home_keeps_up_with_runs_that_came_while_another_screen_was_shown(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.board.complete)
        await pilot.press("2")
        lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
        await until(pilot, lambda: app.board.order == ["train-a"])
        await pilot.press("1")
        await until(pilot, lambda: app.screen.query_one(RunList).option_count == 1)


async def test_outside_a_workspace_the_first_page_says_how_to_make_one(tmp_path: Path) -> None:
    app = TemperApp(None, tmp_path)
    async with app.run_test() as pilot:
        assert isinstance(app.screen, WelcomeScreen)
        await pilot.press("c")
        assert app.clipboard.startswith("temper init")


async def test_the_first_page_goes_on_when_the_workspace_is_made(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tui.screens.welcome.LOOK_SECONDS", 0.02)
    folder = own_home / "new"
    folder.mkdir()
    app = TemperApp(None, folder)
    async with app.run_test() as pilot:
        make_workspace(folder)
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await until(pilot, lambda: app.board.complete)


async def test_there_is_nowhere_to_go_before_there_is_a_workspace(tmp_path: Path) -> None:
    app = TemperApp(None, tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("3")
        assert isinstance(app.screen, WelcomeScreen)


async def test_a_broken_settings_file_is_a_titled_error_before_any_screen(workspace: Workspace) -> None:
    workspace.paths.settings.write_text("[workspace]\nnmae = 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="name"):
        run(workspace.root)
