"""What tests that compare pictures share: sizes, a machine that is always the same, ways to a screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from app.tui.app import TemperApp
from app.tui.machine import Machine
from app.tui.widgets.next_card import NextCard
from app.tui.widgets.run_list import RunList
from tests.app.tui.stage import text_of, until

LOW, HIGH = (80, 24), (120, 40)
GIB = 1 << 30

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]

CPU = Machine(2, 11 * GIB, 16 * GIB, 45 * GIB, 120 * GIB)


def stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cursors do not blink, the machine is always the same."""
    monkeypatch.setattr("app.tui.screens.home.look", lambda folder: CPU)
    for field in (Input, TextArea):
        monkeypatch.setattr(field, "cursor_blink", False)


async def board_complete(pilot: Pilot[None]) -> None:
    """Home with everything it will show."""
    app = pilot.app
    assert isinstance(app, TemperApp)
    await until(pilot, lambda: app.board.complete and app.screen.query_one(NextCard).step)
    await until(pilot, lambda: "Looking" not in text_of(app, "#machine"))
    await pilot.pause()


def press(*keys: str, chart: bool = True, then: Sequence[str] = ()) -> Before:
    """Home, then these keys; with `chart`, until the chosen run's curve is drawn; then those of `then`."""

    async def before(pilot: Pilot[None]) -> None:
        await board_complete(pilot)
        app: Any = pilot.app
        await pilot.press(keys[0])
        if chart:
            await until(pilot, lambda: app.screen.MODE == "runs" and app.screen.query_one(RunList).has_focus)
            await until(pilot, lambda: app.screen.query_one(RunList).option_count == len(app.board.order))
        await pilot.press(*keys[1:])
        if chart:
            screen = next(screen for screen in app.screen_stack if screen.MODE == "runs")
            await until(
                pilot, lambda: app.board.history and app.board.history.run_id == screen.chosen.view.run_id
            )
            await until(pilot, lambda: len(app.board.history.steps) < 2 or screen.query("#chart"))
        await pilot.press(*then)
        await pilot.pause(0.1)

    return before
