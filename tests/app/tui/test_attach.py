"""Attaching to a long run: the screen answers keys while 20,000 events come in."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.tui.screens.runs import RunsScreen
from app.tui.widgets.run_list import RunList
from store.records.events import Finished
from store.workspace import Workspace
from tests.app.tui.stage import Clock, Staged, alive, lay_run, steps, until

pytestmark = pytest.mark.asyncio

EVENTS = 20_000
# scripts/bench holds keys to 0.1 s and gaps to 0.05 s. A test shares its machine with others; what it must
# catch is the screen that stands still, as it did for 2 s with one message per event.
STANDING_STILL = 1.0


async def longest_gap(stop: asyncio.Event) -> float:
    """The longest stretch of work for which the event loop ran nothing of ours, in seconds of its thread.

    Not on the clock: other processes would count.
    """
    worst = 0.0
    while not stop.is_set():
        begin = time.thread_time()
        await asyncio.sleep(0.002)
        worst = max(worst, time.thread_time() - begin)
    return worst


async def press(app: Staged, key: str) -> float:
    """Seconds of the event loop's thread from a key to the moved highlight."""
    listed = app.screen.query_one(RunList)
    before, begin = listed.highlighted, time.thread_time()
    app.simulate_key(key)
    while listed.highlighted == before:
        await asyncio.sleep(0)
    return time.thread_time() - begin


async def test_keys_are_answered_while_a_long_run_is_read(workspace: Workspace, clock: Clock) -> None:
    lay_run(workspace, "train-short", "train", "short", [Finished(status="finished")])
    clock.move(1)
    folder = lay_run(workspace, "train-long", "train", "long", steps(EVENTS, EVENTS))
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: app.screen.query_one(RunList).option_count == 2)
            stop = asyncio.Event()
            gap = asyncio.create_task(longest_gap(stop))
            keys = [await press(app, key) for key in ["down", "up"] * 20]
            await until(pilot, lambda: shown(app) == EVENTS)
            stop.set()
            assert await gap < STANDING_STILL
            assert max(keys) < STANDING_STILL


def shown(app: Staged) -> int:
    """How many steps of the chosen run the board holds."""
    screen, history = app.screen, app.board.history
    if not isinstance(screen, RunsScreen) or history is None:
        return 0
    return len(history.steps) if history.run_id == screen.query_one(RunList).chosen else 0
