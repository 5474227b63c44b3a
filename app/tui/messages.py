"""What threads and panes tell the screen. One message per poll, however much has happened."""

from __future__ import annotations

import msgspec
from textual.message import Message

from store.records.events import Evaluated, Measured, Progress, Queued, Step
from store.records.runs import RunView


class RunNow(msgspec.Struct):
    """A run as lists show it: the derived view and the last word of each kind that it gave."""

    view: RunView
    step: Step | None = None
    progress: Progress | None = None
    queued: Queued | None = None
    evaluated: Evaluated | None = None
    measured: Measured | None = None


class EventLine(msgspec.Struct):
    """One readable line of a run's history. `level` picks its colour: info, warn, good, bad."""

    time: str
    text: str
    level: str = "info"


class Watched(msgspec.Struct):
    """What is new in the watched run since the last poll; all of it when `fresh`.

    `metrics` has an entry for each of `steps`; `general` holds steps with the loss on the general set.
    `resumed`: steps behind which the run went on.
    """

    run_id: str
    fresh: bool = False
    steps: list[int] = []
    losses: list[float] = []
    metrics: list[dict[str, float]] = []
    evaluated: list[Evaluated] = []
    general: list[tuple[int, float]] = []
    resumed: list[int] = []
    measured: Measured | None = None
    phases: dict[str, Progress] = {}
    lines: list[EventLine] = []
    log: list[str] = []

    def __bool__(self) -> bool:
        told = self.steps or self.evaluated or self.general or self.phases or self.lines or self.log
        return bool(self.fresh or told)


class RunsPolled(Message):
    """One poll's worth of news. `order` holds all run ids, newest first."""

    def __init__(
        self, order: list[str], changed: list[RunNow], watched: Watched | None, complete: bool
    ) -> None:
        super().__init__()
        self.order = order
        self.changed = changed
        self.watched = watched
        self.complete = complete
        """Whether every run has been looked at once since the start."""


class FailureKept(Message):
    """A failed case of a run is to become a case of a suite."""

    def __init__(self, run: str, case: str, variant: str) -> None:
        super().__init__()
        self.run = run
        self.case = case
        self.variant = variant


class Failed(Message):
    """Something went wrong in a handler or a thread; becomes a dialog."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
