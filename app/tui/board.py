"""What the screens know: the workspace, its runs, the history of the watched run.

Filled from the feed's batches. Lives in the screen's thread only; holds no widget.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from app.tui.messages import EventLine, RunNow, RunsPolled, Watched
from store.records.events import Progress
from store.workspace import Workspace

LINES_KEPT = 500


class History:
    """Everything shown of one run: its loss curve, its phases, its readable events, the end of its log."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.phases: dict[str, Progress] = {}
        self.lines: deque[EventLine] = deque(maxlen=LINES_KEPT)

    def add(self, news: Watched) -> None:
        """Take in what is new. Steps that a resumed run does again take the place of the earlier ones."""
        for step, loss in zip(news.steps, news.losses, strict=True):
            while self.steps and self.steps[-1] >= step:
                self.steps.pop()
                self.losses.pop()
            self.steps.append(step)
            self.losses.append(loss)
        self.phases |= news.phases
        self.lines.extend(news.lines)

    def curve(self, most: int) -> tuple[list[float], list[float]]:
        """The loss curve in at most `most` points: each the mean of as many steps as share a point."""
        return thin(self.steps, most), thin(self.losses, most)


def thin(values: list[int] | list[float], most: int) -> list[float]:
    """`values` as at most `most` means over equal stretches, in order."""
    count = len(values)
    if count <= most:
        return [float(value) for value in values]
    edges = [position * count // most for position in range(most + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


class Board:
    """The model behind all screens."""

    def __init__(self, workspace: Workspace | None) -> None:
        self.workspace = workspace
        self.order: list[str] = []
        self.runs: dict[str, RunNow] = {}
        self.complete = False
        self.history: History | None = None

    def apply(self, batch: RunsPolled) -> None:
        """Take in one poll."""
        self.order = batch.order
        for run in batch.changed:
            self.runs[run.view.run_id] = run
        for gone in self.runs.keys() - set(batch.order):
            del self.runs[gone]
        self.complete = self.complete or batch.complete
        if batch.watched is not None:
            if batch.watched.fresh or self.history is None or self.history.run_id != batch.watched.run_id:
                self.history = History(batch.watched.run_id)
            self.history.add(batch.watched)

    def newest_first(self) -> list[RunNow]:
        """The runs that have been looked at, newest first."""
        return [self.runs[run_id] for run_id in self.order if run_id in self.runs]
