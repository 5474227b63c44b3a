"""What a training run gave, as the process that trained hands it to the one that keeps it."""

from __future__ import annotations

import msgspec

from store.records.outcome import Outcome


class TrainResult(msgspec.Struct):
    """What a run gave. `loss` is the mean over the steps; `stopped` says that the user ended it early.

    `heldout_loss` is the lowest, measured behind `best_step`; `ended_early` says that it fell no further.
    `metrics` are those of the last step; `outcome` is what was gained and lost, where that was measured.
    """

    steps: int
    loss: float
    device: str
    peak_memory_bytes: int
    packed: bool
    stopped: bool
    heldout_loss: float | None = None
    best_step: int | None = None
    ended_early: bool = False
    metrics: dict[str, float] = {}
    outcome: Outcome | None = None
