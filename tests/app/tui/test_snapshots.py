"""Pictures of every screen, compared with reviewed ones. Size, theme, clock, ids and cursor stand still.

After a change that was meant: `pytest tests/app/tui/test_snapshots.py --snapshot-update`, then look at each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.app import TemperApp
from app.tui.machine import Gpu, Machine
from app.tui.screens.chat import ChatScreen, Question
from app.tui.widgets.book_list import BookList
from app.tui.widgets.token_view import TokenView
from app.tui.widgets.turn import Turn
from store.errors import BusyError
from store.records.data import Dropped, Edit
from store.records.events import (
    Artifact,
    Checkpoint,
    Event,
    Failure,
    Finished,
    Notice,
    Progress,
)
from store.records.runs import JobKind
from store.workspace import Workspace
from tests.app.tui.data_stage import (
    DataStaged,
    ScriptedPreviews,
    lay_dataset,
    lay_report,
    open_version,
    rows_are_shown,
)
from tests.app.tui.snapshot_stage import (
    GIB,
    HIGH,
    LOW,
    Before,
    Compare,
    board_complete,
    press,
    stand_still,
)
from tests.app.tui.stage import Clock, ScriptedChat, Staged, alive, lay_run, steps, until

CARD = Machine(
    16, 40 * GIB, 64 * GIB, 210 * GIB, 930 * GIB, Gpu("GPU-1", "NVIDIA GeForce RTX 4090", 21 * GIB, 24 * GIB)
)


@pytest.fixture(autouse=True)
def stillness(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves."""
    stand_still(monkeypatch)


FULL = Failure(
    "The disk is full",
    "Writing model.gguf to ~/wallet-support failed; 12 MB are free there.",
    "Free some space, then run the command again: finished files and checkpoints are intact.",
)
ENDED: list[tuple[str, JobKind, str, list[Event]]] = [
    ("ingest-1", "ingest", "ingest docs", [Finished(status="finished")]),
    ("train-2", "train", "qlora on legal/contracts", steps(59, 200)),
    (
        "export-3",
        "export",
        "export support, q8_0",
        [
            Progress(phase="merge", done=12, total=12),
            Progress(phase="convert", done=40, total=219),
            Finished(status="failed", error=FULL),
        ],
    ),
    ("train-4", "train", "sft tiny on support, rank 8", [*steps(40, 300), Finished(status="cancelled")]),
    (
        "train-5",
        "train",
        "qlora tiny on support",
        [
            *steps(300, 300),
            Artifact(name="adapter", path="artifacts/adapter", type="peft", bytes=812_000),
            Finished(status="finished"),
        ],
    ),
]
GOING: list[Event] = [
    Notice(title="3 rows were cut", text="longer than 512 tokens: lines 12, 80 and 214", level="warn"),
    *steps(210, 300),
    Checkpoint(step=200, path="artifacts/checkpoint-200"),
]


@pytest.fixture
def runs(workspace: Workspace, clock: Clock) -> Iterator[None]:
    """A run in every state, ten minutes apart, the newest one running."""
    for run_id, job, title, events in ENDED:
        folder = lay_run(workspace, run_id, job, title, events)
        folder.log.write_text("loading the model\nstep 59\nKilled\n", encoding="utf-8")
        clock.move(600)
    going = lay_run(workspace, "train-6", "train", "qlora tiny on support, rank 32", GOING)
    clock.move(84)
    with alive(going):
        yield


def asked(*keys: str) -> Before:
    """In the chat: one question answered, then these keys."""

    async def before(pilot: Pilot[None]) -> None:
        await board_complete(pilot)
        app = pilot.app
        await pilot.press("3")
        app.screen.query_one(Question).text = "I lost my phone"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(Turn) and app.screen.query_one(Turn).ending)
        await pilot.press(*keys)
        await pilot.pause(0.1)

    return before


ANSWER = [
    "Freeze the wallet first: open the app on any other device, choose Security, then Freeze [1]. ",
    "Nothing can be sent from a frozen wallet. On the new phone, restore it with your twelve words.",
]


def test_welcome(own_home: Path, snap_compare: Compare) -> None:
    folder = own_home / "somewhere"
    folder.mkdir()
    assert snap_compare(TemperApp(None, folder), terminal_size=LOW)


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_home_without_runs(workspace: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Staged(workspace), terminal_size=size, run_before=board_complete)


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_home_with_runs(
    workspace: Workspace, runs: None, snap_compare: Compare, size: tuple[int, int]
) -> None:
    assert snap_compare(Staged(workspace), terminal_size=size, run_before=board_complete)


def test_home_with_a_gpu(
    workspace: Workspace, runs: None, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tui.screens.home.look", lambda folder: CARD)
    assert snap_compare(Staged(workspace), terminal_size=HIGH, run_before=board_complete)


def test_runs_empty(workspace: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("2", chart=False))


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_runs_running(workspace: Workspace, runs: None, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Staged(workspace), terminal_size=size, run_before=press("2"))


def test_runs_finished(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=HIGH, run_before=press("2", "down"))


def test_runs_failed(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("2", "down", "down", "down"))


def test_runs_died(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=HIGH, run_before=press("2", *["down"] * 4))


def test_runs_attached_in_the_light(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    app = Staged(workspace)

    async def before(pilot: Pilot[None]) -> None:
        app.action_light_or_dark()
        await press("2", "enter")(pilot)

    assert snap_compare(app, terminal_size=HIGH, run_before=before)


def test_runs_filtered(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("2", "slash", *"export"))


def test_dialog_stop(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("2", "s"))


def test_dialog_help(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("2", then=["question_mark"]))


def test_dialog_error(workspace: Workspace, snap_compare: Compare) -> None:
    error = BusyError(
        "The GPU is taken",
        "NVIDIA GeForce RTX 4090 is held by train-6 since 12:04, and by ollama (pid 812, 5,120 MiB).",
        "Wait for the run (temper runs attach train-6), stop ollama, or add --cpu.",
    )
    app = Staged(workspace, ScriptedChat([], error=error))

    async def before(pilot: Pilot[None]) -> None:
        await board_complete(pilot)
        await pilot.press("3", *"hello", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ChatScreen))
        await pilot.pause(0.1)

    assert snap_compare(app, terminal_size=LOW, run_before=before)


def test_chat_empty(workspace: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("3", chart=False))


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_chat_answered(workspace: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Staged(workspace, ScriptedChat(ANSWER)), terminal_size=size, run_before=asked())


def test_chat_passage(workspace: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(
        Staged(workspace, ScriptedChat(ANSWER)), terminal_size=LOW, run_before=asked("ctrl+o")
    )


def test_chat_variants(workspace: Workspace, runs: None, snap_compare: Compare) -> None:
    assert snap_compare(Staged(workspace), terminal_size=LOW, run_before=press("3", "ctrl+t", chart=False))


@pytest.fixture
def data(workspace: Workspace, clock: Clock) -> Workspace:
    """Two versions of one dataset, the newer one checked minutes ago, and another that nobody checked."""
    lost = [
        Dropped(17, "not JSON: the line ends in the middle of a text"),
        Dropped(203, "no answer: the last turn is the user's"),
        Dropped(390, "no answer: it is empty"),
    ]
    lay_dataset(workspace, rows=60, dropped=lost)
    lay_dataset(workspace, "returns", rows=9)
    clock.move(7200)
    made = lay_dataset(workspace, rows=56, parent="support@1", edits=[Edit("drop_duplicates", 4)])
    lay_report(workspace, made)
    clock.move(240)
    return workspace


def data_pressed(*keys: str, version: str = "support@2") -> Before:
    """The data screen on a version, then these keys; until everything is read.

    Without rows a preview cannot be opened, so that the keys wait for them.
    """

    async def before(pilot: Pilot[None]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.board.complete)
        books = app.screen.query_one(BookList)
        await until(pilot, lambda: books.option_count)
        books.highlighted = books.get_option_index(version)
        await until(pilot, lambda: open_version(app) == version)
        await until(pilot, lambda: rows_are_shown(app))
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: rows_are_shown(app))
        screen = app.screen_stack[-1]
        previews = screen.query(TokenView)
        await until(pilot, lambda: not any(view.is_on_screen and not view.lines for view in previews))
        await pilot.pause(0.1)

    return before


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_data_findings(data: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(DataStaged(data), terminal_size=size, run_before=data_pressed("enter"))


def test_data_list(data: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(DataStaged(data), terminal_size=LOW, run_before=data_pressed())


def test_data_chart(data: Workspace, snap_compare: Compare) -> None:
    before = data_pressed("enter", "down", "down", "down")
    assert snap_compare(DataStaged(data), terminal_size=HIGH, run_before=before)


def test_data_rows(data: Workspace, snap_compare: Compare) -> None:
    before = data_pressed("enter", "enter", "down", "enter")
    assert snap_compare(DataStaged(data), terminal_size=HIGH, run_before=before)


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_data_preview(data: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = DataStaged(data, ScriptedPreviews(max_length=24 if size == LOW else 512))
    assert snap_compare(app, terminal_size=size, run_before=data_pressed("r", "down", "enter"))


def test_data_dropped_in_the_light(data: Workspace, snap_compare: Compare) -> None:
    app = DataStaged(data)

    async def before(pilot: Pilot[None]) -> None:
        app.action_light_or_dark()
        await data_pressed("d", version="support@1")(pilot)

    assert snap_compare(app, terminal_size=HIGH, run_before=before)


def test_data_fix(data: Workspace, snap_compare: Compare) -> None:
    assert snap_compare(DataStaged(data), terminal_size=LOW, run_before=data_pressed("enter", "x"))


def test_data_check_under_way(data: Workspace, snap_compare: Compare) -> None:
    events: list[Event] = [Progress(phase="near duplicates", done=24_000, total=56_000, eta_seconds=19.0)]
    folder = lay_run(data, "check-1", "check", "check returns@1", events)
    with alive(folder):
        app = DataStaged(data)
        assert snap_compare(app, terminal_size=LOW, run_before=data_pressed("enter", version="returns@1"))
