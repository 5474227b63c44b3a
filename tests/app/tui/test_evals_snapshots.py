"""Pictures of the evals screen, compared with reviewed ones (see test_snapshots.py)."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.widgets.group_list import GroupList
from app.tui.widgets.variant_rows import VariantRows
from store.workspace import Workspace
from tests.app.tui.evals_stage import EvalsStaged, lay_advice, lay_eval
from tests.app.tui.snapshot_stage import HIGH, LOW, Before, Compare, stand_still
from tests.app.tui.stage import Clock, until


@pytest.fixture(autouse=True)
def stillness(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves."""
    stand_still(monkeypatch)


@pytest.fixture
def evals(workspace: Workspace, clock: Clock) -> Workspace:
    """One suite with two variants, and one that was never run."""
    (workspace.paths.evals / "helper.yaml").write_text("name: helper\ncases: []\n", encoding="utf-8")
    lay_eval(workspace, "eval-1", {"base": "x....x"})
    clock.move(600)
    lay_eval(workspace, "eval-2", {"tuned": ".xxxxx"})
    clock.move(240)
    return workspace


def evals_pressed(*keys: str, changed: bool = False) -> Before:
    """The evals screen, then these keys; with `changed`, until two variants are compared."""

    async def before(pilot: Pilot[None]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.board.complete)
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        for key in keys:
            await pilot.press(key)
        if changed:
            await until(pilot, lambda: app.screen.query_one("#changed-list").count)
        elif "c" in keys:
            await until(pilot, lambda: app.screen.query_one("#case-list").count)
        await pilot.pause(0.2)

    return before


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_evals_matrix(evals: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(EvalsStaged(evals), terminal_size=size, run_before=evals_pressed("enter"))


def test_evals_cases(evals: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(EvalsStaged(evals), terminal_size=HIGH, run_before=evals_pressed("enter", "c"))


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_evals_compared(evals: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    before = evals_pressed("enter", "v", changed=True)
    assert snap_compare(EvalsStaged(evals), terminal_size=size, run_before=before)


def test_evals_failures(evals: Workspace, snap_compare: Compare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await evals_pressed("enter", "down", "x")(pilot)
        await until(pilot, lambda: pilot.app.screen.query_one(GroupList).count)
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.screen.query_one(GroupList).groups[0].named)
        await pilot.pause(0.2)
        pilot.app.clear_notifications()
        await pilot.pause(0.1)

    assert snap_compare(EvalsStaged(evals), terminal_size=HIGH, run_before=before)


def test_evals_advice(evals: Workspace, snap_compare: Compare) -> None:
    lay_advice(evals)

    async def before(pilot: Pilot[None]) -> None:
        await evals_pressed("enter", "d")(pilot)
        await until(pilot, lambda: pilot.app.screen.query(".advice-card"))
        await pilot.pause(0.2)

    assert snap_compare(EvalsStaged(evals), terminal_size=HIGH, run_before=before)
