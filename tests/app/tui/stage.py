"""What the tests of the terminal UI play on: workspaces, run folders laid by hand, a scripted chat."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.app import App
from textual.css.query import NoMatches
from textual.pilot import Pilot

from app.tui.app import TemperApp
from app.tui.chat_feed import Ending, Piece
from app.tui.dialogs.base import Dialog
from store import clock, runs
from store.locks import FileLock
from store.records.data import Message
from store.records.events import Event, Lease, Started, Step
from store.records.knowledge import Hit
from store.records.runs import JobKind, RunSpec
from store.records.traces import Citation, Timings
from store.runs import RunFolder
from store.workspace import Workspace

PATIENCE = 60.0  # seconds: what never comes fails late, what comes late on a busy machine does not fail
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

SETTINGS = """
[workspace]
name = "wallet-support"
[models.tiny]
path = "builtin:tiny"
[datasets.support]
source = "data/support.jsonl"
[knowledge.docs]
sources = ["knowledge"]
[variants.base]
model = "tiny"
[variants.tuned]
inherits = "base"
adapter = "last"
knowledge = "docs"
[defaults]
variant = "tuned"
"""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


def make_workspace(root: Path) -> Workspace:
    """A small workspace with a recipe and a suite."""
    for folder in ("recipes", "evals"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "recipes" / "support.toml").write_text('objective = "sft"\n', encoding="utf-8")
    (root / "evals" / "support.yaml").write_text("name: support\ncases: []\n", encoding="utf-8")
    return Workspace(root)


def lay_run(
    workspace: Workspace, run_id: str, job: JobKind, title: str, events: list[Event], *, begun: bool = True
) -> RunFolder:
    """A run folder as a worker would have left it, written with the clock as it stands."""
    spec = RunSpec(run_id, job, clock.stamp(), str(workspace.root), title=title)
    folder = runs.create(workspace.paths.runs, spec)
    opening: list[Event] = [Started(run_id=run_id, job=job, pid=4711), Lease(device="none")] if begun else []
    add_events(folder, opening + events)
    return folder


def add_events(folder: RunFolder, events: list[Event]) -> None:
    """More events at the end of a run."""
    writer = runs.EventWriter(folder)
    for event in events:
        writer.emit(event)
    writer.close()


def alive(folder: RunFolder) -> FileLock:
    """Hold a run's lock as its worker would; release it to let the run die."""
    lock = FileLock(folder.lock)
    assert lock.acquire()
    return lock


def steps(count: int, total: int) -> list[Event]:
    """A loss curve that falls with a small ripple."""
    return [
        Step(
            step=n,
            total=total,
            loss=0.4 + 2.5 * 0.985**n + 0.08 * ((n * 7919) % 13 - 6) / 6 * 0.995**n,
            learning_rate=2e-3 * (1 - n / (total + 1)),
            tokens_per_second=911.0,
            memory_bytes=1_410_000_000,
            eta_seconds=0.4 * (total - n),
        )
        for n in range(1, count + 1)
    ]


HITS = [
    Hit(
        "knowledge/recovery.md",
        120,
        312,
        0.82,
        "If a phone is lost, freeze the wallet from any other device: Security, then Freeze. "
        "Nothing can be sent from a frozen wallet.\n\nFreezing does not need the lost phone.",
        "Recovery",
    ),
    Hit(
        "knowledge/words.md",
        0,
        96,
        0.61,
        "Twelve words, in order, restore a wallet on a new phone.",
        "Twelve words",
    ),
    Hit("knowledge/limits.md", 40, 130, 0.35, "A new device may send small amounts for one day.", "Limits"),
]


class ScriptedChat:
    """Says what it is given; with `hold` it waits before its last piece until `let_go` or a stop."""

    def __init__(self, pieces: list[str], hold: bool = False, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.hold = hold
        self.error = error
        self.let_go = threading.Event()
        self.stopped = threading.Event()
        self.trace = ""  # of each answer: the id of a request that a test has laid
        self.asked: list[tuple[str | None, list[Message], bool]] = []

    def answer(
        self, variant: str | None, messages: list[Message], retrieval: bool, stopped: Callable[[], bool]
    ) -> Iterator[Piece]:
        """As app.tui.chat_feed.ChatFeed answers."""
        self.asked.append((variant, messages, retrieval))
        if self.error is not None:
            raise self.error
        for piece in self.pieces:
            yield Piece(piece)
        deadline = time.monotonic() + PATIENCE
        while self.hold and not self.let_go.wait(0.01) and time.monotonic() < deadline:
            if stopped():
                self.stopped.set()
                return
        hits = HITS if retrieval else []
        cited = [Citation(1, HITS[0].doc, HITS[0].start, HITS[0].end)] if retrieval else []
        yield Piece("", Ending("stop", cited, hits, Timings(12.0, 120.0, 830.0)), self.trace)

    def close(self) -> None:
        """Nothing is connected."""


class Staged(TemperApp):
    """The real app with a scripted conversation in place of a server."""

    def __init__(self, workspace: Workspace, chat: ScriptedChat | None = None) -> None:
        super().__init__(workspace, workspace.root)
        self.chat = chat

    def chat_feed(self) -> ScriptedChat:  # type: ignore[override]  # has the one method that the screen calls
        """The script."""
        assert self.chat is not None
        return self.chat


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Let the app work until `condition` holds; fails when it does not in time.

    A condition on widgets that have not been mounted yet does not hold.
    """

    def holds() -> bool:
        with contextlib.suppress(NoMatches):
            return bool(condition())
        return False

    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        await pilot.pause(0.01)


async def dialog(pilot: Pilot[None], kind: type[Dialog[Any]], seconds: float = PATIENCE) -> None:
    """Wait until such a dialog is to be seen and takes keys."""

    def open_() -> bool:
        screen = pilot.app.screen
        return isinstance(screen, kind) and screen.focused is not None and bool(screen.query("#dialog-title"))

    await until(pilot, open_, seconds)


def text_of(app: App[None], selector: str) -> str:
    """What a Static shows, without its styles; nothing while it is not there."""
    from textual.widgets import Static

    found = app.screen.query(selector)
    return str(found.first(Static).content) if found else ""
