"""Errors, help, the command palette: every way to a dialog and out of it."""

from __future__ import annotations

import pytest
from textual import work
from textual.binding import Binding
from textual.command import CommandPalette

from app.tui.dialogs.error import ErrorDialog
from app.tui.dialogs.help import HelpDialog
from app.tui.errors import shown
from app.tui.screens.home import HomeScreen
from store.errors import BusyError
from store.workspace import Workspace
from tests.app.tui.stage import Staged, dialog, text_of, until

pytestmark = pytest.mark.asyncio

BUSY = BusyError("The GPU is taken", "train-a holds it.", "Wait, or use --cpu.")


class Failing(Staged):
    """Fails on request: in a handler, in an action, in a thread."""

    @shown
    def action_fail(self) -> None:
        """In an action."""
        raise BUSY

    @work(thread=True)
    @shown
    def fail_in_a_thread(self) -> None:
        """In a worker."""
        raise BUSY

    @shown
    async def action_fail_later(self) -> None:
        """In a coroutine, unexpectedly."""
        raise ValueError("seven")


async def test_an_error_in_an_action_is_a_dialog_with_title_cause_and_remedy(workspace: Workspace) -> None:
    app = Failing(workspace)
    async with app.run_test() as pilot:
        app.action_fail()
        await dialog(pilot, ErrorDialog)
        shown_text = " ".join(str(widget.render()) for widget in app.screen.query("Static"))
        assert all(part in shown_text for part in (BUSY.title, BUSY.happened, BUSY.remedy))


async def test_an_error_in_a_thread_is_a_dialog(workspace: Workspace) -> None:
    app = Failing(workspace)
    async with app.run_test() as pilot:
        app.fail_in_a_thread()
        await dialog(pilot, ErrorDialog)


async def test_an_unexpected_error_has_three_parts_too(workspace: Workspace) -> None:
    app = Failing(workspace)
    async with app.run_test() as pilot:
        await app.action_fail_later()
        await dialog(pilot, ErrorDialog)
        assert text_of(app, "#dialog-title") == "Something unexpected went wrong"


async def test_the_same_error_twice_is_one_dialog(workspace: Workspace) -> None:
    app = Failing(workspace)
    async with app.run_test() as pilot:
        app.action_fail()
        await dialog(pilot, ErrorDialog)
        app.action_fail()
        await pilot.pause()
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)


async def test_an_error_can_be_copied(workspace: Workspace) -> None:
    app = Failing(workspace)
    async with app.run_test() as pilot:
        app.action_fail()
        await dialog(pilot, ErrorDialog)
        await pilot.press("c")
        assert app.clipboard == "The GPU is taken\ntrain-a holds it.\nWait, or use --cpu."


async def test_an_unreadable_run_does_not_end_the_watching(workspace: Workspace) -> None:
    broken = workspace.paths.runs / "train-broken"
    broken.mkdir(parents=True)
    (broken / "spec.json").write_text("not json", encoding="utf-8")
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog) or app.board.complete)


@pytest.mark.parametrize("screen_key", ["1", "2"])
async def test_help_lists_every_key_that_the_screen_hints_at(workspace: Workspace, screen_key: str) -> None:
    app = Staged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.board.complete)
        await pilot.press(screen_key)
        hinted = {one.binding.description for one in app.screen.active_bindings.values() if one.binding.show}
        await pilot.press("question_mark")
        await dialog(pilot, HelpDialog)
        listed = " ".join(str(widget.render()) for widget in app.screen.query("#help Static"))
        assert [name for name in hinted if name not in listed] == []
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpDialog)


async def test_the_palette_opens_with_the_commands_of_the_workbench(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        names = [command.title for command in app.get_system_commands(app.screen_stack[0])]
        assert {"Home", "Runs", "Chat", "Help", "Quit"} <= set(names)


async def test_every_hinted_key_of_home_is_bound_to_an_action_that_exists(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        for key in ("1", "2", "3"):
            await pilot.press(key)
            for active in app.screen.active_bindings.values():
                binding: Binding = active.binding
                target, name, _ = app._parse_action(binding.action, active.node)
                assert hasattr(target, f"action_{name}") or hasattr(target, f"_action_{name}"), binding
