"""Attaching to a long run: the screen answers keys while 20,000 events come in.

How long it stands still is measured by scripts/bench G12 on a machine of its own. Here, where others may have
the processor, what is counted is what made it stand still: messages, which were one per event.
"""

from __future__ import annotations

from functools import partial

import pytest

from app.tui.messages import RunsPolled
from app.tui.screens.runs import RunsScreen
from app.tui.widgets.run_list import RunList
from store.records.events import Finished
from store.workspace import Workspace
from tests.app.tui.stage import Clock, Staged, alive, lay_run, steps, until

pytestmark = pytest.mark.asyncio

EVENTS = 20_000
MESSAGES = EVENTS // 100


class Counting(Staged):
    """Counts the messages that tell of runs."""

    told = 0

    def on_runs_polled(self, batch: RunsPolled) -> None:
        """One more."""
        self.told += 1
        super().on_runs_polled(batch)


async def test_keys_are_answered_while_a_long_run_is_read(workspace: Workspace, clock: Clock) -> None:
    lay_run(workspace, "train-short", "train", "short", [Finished(status="finished")])
    clock.move(1)
    folder = lay_run(workspace, "train-long", "train", "long", steps(EVENTS, EVENTS))
    with alive(folder):
        app = Counting(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: app.screen.query_one(RunList).option_count == 2)
            listed = app.screen.query_one(RunList)
            for key in ["down", "up"] * 5:
                app.simulate_key(key)
                await until(pilot, partial(is_at, listed, 1 if key == "down" else 0))
            await until(pilot, lambda: shown(app) == EVENTS)
            assert app.told < MESSAGES


def is_at(listed: RunList, place: int) -> bool:
    """Whether the highlight is on that line."""
    return listed.highlighted == place


def shown(app: Staged) -> int:
    """How many steps of the chosen run the board holds."""
    screen, history = app.screen, app.board.history
    if not isinstance(screen, RunsScreen) or history is None:
        return 0
    return len(history.steps) if history.run_id == screen.query_one(RunList).chosen else 0
