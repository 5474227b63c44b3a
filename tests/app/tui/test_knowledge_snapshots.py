"""Pictures of the knowledge screen, compared with reviewed ones (see test_snapshots.py)."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.widgets.chunk_view import ChunkView
from app.tui.widgets.document_list import DocumentList
from app.tui.widgets.search_pane import HitList
from store.workspace import Workspace
from tests.app.tui.knowledge_stage import KnowledgeStaged, lay_knowledge
from tests.app.tui.snapshot_stage import HIGH, LOW, Before, Compare, stand_still
from tests.app.tui.stage import Clock, until


@pytest.fixture(autouse=True)
def stillness(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves."""
    stand_still(monkeypatch)


@pytest.fixture
def knowledge(workspace: Workspace, clock: Clock) -> Workspace:
    """Two documents in passages, and a file that could not be read."""
    lay_knowledge(workspace, skipped={"knowledge/terms.pdf": "it is encrypted; its password is not known"})
    clock.move(240)
    return workspace


def knowledge_pressed(*keys: str) -> Before:
    """The knowledge screen, then these keys; until everything is laid out."""

    async def before(pilot: Pilot[None]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.board.complete)
        await until(pilot, lambda: app.screen.query_one(DocumentList).count)
        for key in keys:
            await pilot.press(key)
        view = app.screen.query_one(ChunkView)
        await until(pilot, lambda: view.document is None or view.page.lines)
        await pilot.pause(0.1)

    return before


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_knowledge_passages(knowledge: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await knowledge_pressed("down", "enter")(pilot)
        view = pilot.app.screen.query_one(ChunkView)
        await until(pilot, lambda: len(view.page.tops) == 3)
        await pilot.press("n")
        await pilot.pause(0.1)

    assert snap_compare(KnowledgeStaged(knowledge), terminal_size=size, run_before=before)


def test_knowledge_left_out(knowledge: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(KnowledgeStaged(knowledge), terminal_size=LOW, run_before=knowledge_pressed("end"))


def test_knowledge_search_in_the_light(knowledge: Workspace, snap_compare: Compare) -> None:
    app = KnowledgeStaged(knowledge)

    async def before(pilot: Pilot[None]) -> None:
        app.action_light_or_dark()
        await knowledge_pressed("slash", *"phone", "enter")(pilot)
        hits = pilot.app.screen.query_one(HitList)
        await until(pilot, lambda: hits.has_focus and hits.count)
        await pilot.press("down")
        await until(pilot, lambda: hits.cursor == 1)
        await pilot.pause(0.1)

    assert snap_compare(app, terminal_size=HIGH, run_before=before)
