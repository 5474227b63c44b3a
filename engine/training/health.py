"""Whether a run is still worth its time: losses that explode, steps that do not come, overfitting.

The judgements are pure and take numbers; what hears them from the trainer is engine.training.watching.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from statistics import median

import msgspec

from store.errors import TemperError

RECENT = 5
"""Losses that are looked at together: none of them is usual in a run that explodes."""
USUAL = 100
"""Losses before those whose median says what is usual."""
EXPLODED = 2.0
"""Recent losses are this many times the usual ones in a run that explodes..."""
ABOVE_START = 1.25
"""...and this many times those that it began with: an easy stretch that ends is none..."""
OFTEN = 0.9
"""...and more than this share of the usual ones: where a tenth of the batches is as hard, none explodes."""
STALLED = 3.0
"""A step that takes this many times the median has stalled."""
STALL_SECONDS = 5.0
"""Below this nobody waits: a machine that does something else for a moment is no stall."""
WORSE = 0.02
"""By this share a held-out loss must rise above the best one to count."""
APART = 1.5
"""A held-out loss this many times the training loss says that the run learns its rows by heart..."""
RISEN = 2
"""...as do this many evaluations in a row that are worse than the best one."""


class DivergedError(TemperError):
    """The loss is no number, or many times what it was: neither going on nor taking it up again helps."""


class LossWatch:
    """Hears the loss of every step and says from which one on the weights are lost, if they are."""

    def __init__(self) -> None:
        self._start: list[float] = []
        self._usual: deque[float] = deque(maxlen=USUAL)
        self._recent: deque[tuple[int, float]] = deque(maxlen=RECENT)

    def hear(self, step: int, loss: float, grad_norm: float | None = None) -> int | None:
        """The first step behind which the weights are lost, or None.

        A step's loss is that of the weights before it, so it tells of the step before; its gradient tells of
        the step itself.
        """
        if not math.isfinite(loss):
            return step - 1
        if grad_norm is not None and not math.isfinite(grad_norm):
            return step
        if len(self._start) < RECENT:
            self._start.append(loss)
        if len(self._recent) == RECENT:
            self._usual.append(self._recent[0][1])
        self._recent.append((step, loss))
        if len(self._usual) < RECENT:
            return None
        now, usual, start = min(one for _, one in self._recent), median(self._usual), median(self._start)
        if now <= EXPLODED * usual or now <= ABOVE_START * start or now <= _above(self._usual, OFTEN):
            return None
        return self._recent[0][0] - 1


def _above(losses: Collection[float], share: float) -> float:
    """The smallest of the losses that at least `share` of them do not exceed."""
    return sorted(losses)[math.ceil(share * len(losses)) - 1]


class Verdict(msgspec.Struct):
    """What an evaluation says of a run, for people."""

    title: str
    text: str


class HeldoutWatch:
    """Hears losses of training and of held-out rows; says once when they part, and once when it overfits."""

    def __init__(self) -> None:
        self._train: list[float] = []
        self._before: float | None = None
        self._best: tuple[float, int] | None = None
        self._worse = 0
        self._told: set[str] = set()

    def step(self, loss: float) -> None:
        """One more training loss."""
        self._train.append(loss)

    def evaluation(self, step: int, loss: float) -> Verdict | None:
        """What is new to say at an evaluation with held-out loss `loss`."""
        train = median(self._train) if self._train else None
        fell = train is not None and self._before is not None and train < self._before
        self._before, self._train = train if train is not None else self._before, []
        if self._best is None or loss < self._best[0]:
            self._best, self._worse = (loss, step), 0
        elif loss > self._best[0] * (1 + WORSE):
            self._worse += 1
        best, at = self._best
        if self._worse >= RISEN and fell:
            return self._once(
                "It overfits",
                f"The held-out loss is {loss:.3f}, up from {best:.3f} at step {at}, while the training loss "
                f"still falls. The better adapter is that of step {at}; stop, or train for fewer steps.",
            )
        if train is not None and loss > APART * train and loss > best:
            return self._once(
                "Training and held-out loss part",
                f"{train:.3f} on the rows it trains on, {loss:.3f} on rows held out: it begins to learn rows "
                "by heart. More rows, a lower rank or fewer steps help.",
            )
        return None

    def _once(self, title: str, text: str) -> Verdict | None:
        if title in self._told:
            return None
        self._told.add(title)
        return Verdict(title, text)


class StepClock:
    """When a step began, how long steps take, and whether the one under way has stalled. Times in seconds."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=USUAL)
        self._began: float | None = None
        self._stalled = False
        self._turn = threading.Lock()  # steps come from the trainer's thread, questions from another

    def begin(self, now: float) -> None:
        """A step begins."""
        with self._turn:
            self._began, self._stalled = now, False

    def end(self, now: float) -> float | None:
        """A step is done; how long it took where it was said to have stalled."""
        with self._turn:
            if self._began is None:
                return None
            took, stalled = now - self._began, self._stalled
            self._began = None
            if not stalled:
                self._took.append(took)
            return took if stalled else None

    def stalled(self, now: float) -> tuple[float, float] | None:
        """(seconds so far, the median) of a step that has just been found to stall; once for each step."""
        with self._turn:
            if self._began is None or self._stalled or len(self._took) < RECENT:
                return None
            usual, waited = median(self._took), now - self._began
            if waited < max(STALLED * usual, STALL_SECONDS):
                return None
            self._stalled = True
            return waited, usual


class Watchdog:
    """A thread that looks at a StepClock every `poll` seconds and calls `bark(waited, usual)` on a stall."""

    def __init__(self, steps: StepClock, bark: Callable[[float, float], None], poll: float = 1.0) -> None:
        self._steps = steps
        self._bark = bark
        self._poll = poll
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no longer; returns when the thread is gone."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._poll):
            if found := self._steps.stalled(time.monotonic()):
                self._bark(*found)
