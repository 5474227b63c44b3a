"""A run tried on rows that it does not train: before its first step, at every evaluation, behind the last.

What was found before is kept beside the run, so that one that goes on still knows it. What the figures mean
is judged in engine.training.outcome. A trial that does not fit into memory is given up, never the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from engine.data.rendering import Row
from engine.training.callbacks import Watcher
from engine.training.data import GeneralSet, TrainingData
from engine.training.memory_ladder import is_out_of_memory
from engine.training.outcome import loss_of
from engine.training.scoring import score
from engine.training.trial_rows import digest, pairs_of
from store import atomic
from store.records.events import Notice, Probed
from store.records.outcome import RowScore, Snapshot

FILE = "before.json"
GENERAL = "eval_general_loss"
"""The loss on the general set in the trainer's log, beside its own `eval_loss`."""


class Trial:
    """Measures one model again and again. `before` is what was found before the run, None where it is not
    known; `seconds` is what all measuring has taken.

    `dtype` is what the trainer computes in.
    """

    def __init__(self, watcher: Watcher, data: TrainingData, folder: Path, dtype: torch.dtype) -> None:
        self._watcher = watcher
        self._folder = folder
        self.dtype = dtype
        self.task, self._rejected = pairs_of(data.tried) if data.tried else ([], [])
        self.general: GeneralSet | None = data.general
        self._digest = digest([*self.task, *self._rejected, *(data.general.rows if data.general else [])])
        self._known: dict[int, float | None] = {}
        self._given_up = False
        self.before: Snapshot | None = None
        self.seconds = 0.0

    def begin(self, model: Any, step: int, alone: bool = True) -> None:
        """Take down what the run begins with; one that goes on behind `step` reads what it was.

        Where several processes hold a model in pieces (not `alone`), nothing is measured.
        """
        self._given_up = not alone
        if step:
            self.before = self._read()
            return
        self.before = self.snapshot(model, 0)
        if self.before is not None:
            self.seconds = self.before.seconds
            atomic.write_bytes(self._folder / FILE, msgspec.json.encode(self.before))

    def snapshot(self, model: Any, step: int) -> Snapshot | None:
        """All rows under the model behind `step`; None where there are none, or no room to measure them."""
        general = self.general.rows if self.general else []
        begin = time.monotonic()
        found = self._score(model, [*self.task, *self._rejected, *general])
        if not found:
            return None
        task, beside = len(self.task), len(self.task) + len(self._rejected)
        shot = Snapshot(step, self._digest, found[:task], found[task:beside], found[beside:])
        shot.seconds = round(time.monotonic() - begin, 3)
        self._known[step] = loss_of(shot.general)
        return shot

    def general_loss(self, model: Any, step: int) -> float | None:
        """The loss on the general set in nats per token; None where it is not measured or no number."""
        if self.general is None:
            return None
        if step not in self._known:
            self._known[step] = loss_of(self._score(model, self.general.rows))
        return self._known[step]

    def tell(self, shot: Snapshot | None) -> None:
        """Say the loss on the general set where no evaluation does."""
        loss = loss_of(shot.general) if shot else None
        if shot is not None and loss is not None:
            self._watcher.emit(Probed(step=shot.step, general_loss=loss, seconds=shot.seconds))

    def _score(self, model: Any, rows: Sequence[Row]) -> list[RowScore]:
        """Nothing where a trial was given up, is given up now, or there are no rows."""
        if self._given_up or not rows:
            return []
        begin = time.monotonic()
        try:
            return score(model, rows, self.dtype)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self._given_up = True
            self._watcher.emit(
                Notice(
                    title="What the run gains and loses is not measured",
                    text="Memory has no room for a forward pass over the rows that it would be measured on.",
                    level="warn",
                )
            )
            return []
        finally:
            self.seconds += time.monotonic() - begin

    def _read(self) -> Snapshot | None:
        """What was found before the first step; None where that was of other rows, or is not there."""
        try:
            found = msgspec.json.decode((self._folder / FILE).read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError):
            return None
        if found.rows != self._digest:
            return None
        self.seconds = found.seconds
        return found
