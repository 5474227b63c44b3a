"""What the screens know: the workspace, its runs, the history of the watched run.

Filled from the feed's batches. Lives in the screen's thread only; holds no widget.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from app.tui.messages import EventLine, RunNow, RunsPolled, Watched
from store.records.events import Evaluated, Measured, Progress
from store.workspace import Workspace

LINES_KEPT = 500
GENERAL = "general_loss"
"""What forgetting is seen by: a measure that is taken now and then, not with each step."""


class History:
    """Everything shown of one run: its curves, its phases, its readable events, the end of its log.

    `metrics` stand beside `steps`, one by one; `evaluations` are by step, in order; the run went on
    behind the steps in `resumes`.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.metrics: list[dict[str, float]] = []
        self.evaluations: dict[int, Evaluated] = {}
        self.general: dict[int, float] = {}
        self.resumes: list[int] = []
        self.measured: Measured | None = None
        self.phases: dict[str, Progress] = {}
        self.lines: deque[EventLine] = deque(maxlen=LINES_KEPT)

    def add(self, news: Watched) -> None:
        """Take in what is new. Steps that a resumed run does again take the place of the earlier ones."""
        said = news.metrics or [{}] * len(news.steps)
        for step, loss, metrics in zip(news.steps, news.losses, said, strict=True):
            while self.steps and self.steps[-1] >= step:
                self.steps.pop()
                self.losses.pop()
                self.metrics.pop()
            self.steps.append(step)
            self.losses.append(loss)
            self.metrics.append(metrics)
        for again in news.resumed:
            self._forget_evaluations(again + 1)
        for one in news.evaluated:
            self._forget_evaluations(one.step)
            self.evaluations[one.step] = one
        self.general |= dict(news.general)
        self.resumes += [step for step in news.resumed if step not in self.resumes]
        self.measured = news.measured or self.measured
        self.phases |= news.phases
        self.lines.extend(news.lines)

    def _forget_evaluations(self, first: int) -> None:
        """Those from step `first` on are made again."""
        self.evaluations = {step: one for step, one in self.evaluations.items() if step < first}
        self.general = {step: loss for step, loss in self.general.items() if step < first}

    @property
    def measures(self) -> list[str]:
        """What there is a curve of: the loss, then what the steps say besides."""
        general = [GENERAL] if len(self.general) > 1 else []
        return ["loss", *general, *(self.metrics[-1] if self.metrics else ())]

    def curve(self, most: int, measure: str = "loss") -> tuple[list[float], list[float]]:
        """A curve in at most `most` points: each the mean of as many steps as share a point."""
        if measure == "loss":
            return thin(self.steps, most), thin(self.losses, most)
        if measure == GENERAL:
            return thin(list(self.general), most), thin(list(self.general.values()), most)
        told = [
            (step, metrics[measure])
            for step, metrics in zip(self.steps, self.metrics, strict=True)
            if measure in metrics
        ]
        return thin([step for step, _ in told], most), thin([value for _, value in told], most)

    def held_out(self, measure: str = "loss") -> tuple[list[int], list[float]]:
        """The same as measured on held-out rows, every point."""
        told = [
            (step, one.loss if measure == "loss" else one.metrics[measure])
            for step, one in self.evaluations.items()
            if measure == "loss" or measure in one.metrics
        ]
        return [step for step, _ in told], [value for _, value in told]


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
