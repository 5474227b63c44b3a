"""Training runs by the product's own session, with a clock at every step and the card's own peak.

Knows how a run is timed and watched; not what it is compared with.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import torch
from transformers import TrainerCallback

from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.checkpoints import Saved
from engine.training.data import TrainingData
from engine.training.devices import DeviceDefaults, find_device
from store.records.events import Event, Step
from store.records.recipe import Lora, Recipe
from store.records.training import TrainResult

PROCESSOR = DeviceDefaults("cpu", False, "float32")
WARM_UP = 2
"""Steps that are not timed: kernels are loaded, the allocator finds its sizes."""


class Recorder:
    """Hears a run; asks it to stop after `stop_after` steps."""

    def __init__(self, stop_after: int = 1 << 30) -> None:
        self.events: list[Event] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def stop_requested(self) -> bool:
        """Whether enough steps were heard."""
        return len(self.losses) >= self._stop_after

    @property
    def losses(self) -> list[float]:
        """The loss of every step so far."""
        return [event.loss for event in self.events if isinstance(event, Step)]


class Clock(TrainerCallback):
    """When each step ended, with all that was asked of the card done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Behind the rehearsal: from here on peak and time are the steps' own."""
        settle()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self.times = [time.perf_counter()]

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Wait for the card, then look at the clock."""
        settle()
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """Of each step."""
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


@dataclass
class Run:
    """What came of a run. `peak` in bytes of tensors on the card, 0 on the processor."""

    result: TrainResult
    losses: list[float]
    seconds: list[float]
    peak: int
    recorder: Recorder = field(repr=False)

    def per_step(self) -> float:
        """Seconds of a step, the median of those behind the warm-up."""
        return median(self.seconds[WARM_UP:] or self.seconds)

    def tokens_per_second(self, tokens: Sequence[int]) -> float:
        """Useful tokens of the timed steps over their time; `tokens` of each step."""
        timed = slice(WARM_UP if len(self.seconds) > WARM_UP else 0, None)
        return sum(list(tokens)[timed]) / sum(self.seconds[timed])


def recipe(**changes: Any) -> Recipe:
    """The recipe of all steps: rank 16 on every matrix, nothing saved on the way, nothing measured first."""
    fields: dict[str, Any] = {
        "base": "random",
        "learning_rate": 2e-4,
        "schedule": "linear",
        "checkpoint_every": 0,
        "lora": Lora(rank=16, alpha=32),
        "seed": 42,
        "rehearse": "never",
        "micro_batch": "as_written",
    }
    return Recipe(**fields | changes)


def planned(base: Path, asked: Recipe, data: TrainingData) -> tuple[Recipe, list[str]]:
    """The recipe as the product's planner fits it to this machine, and what it chose, in words."""
    from engine.training.planning import plan_run

    found = plan_run(ModelDirectory(base), asked, data)
    return found.recipe, found.decisions


def card(rehearse: bool) -> DeviceDefaults:
    """The card; in a rehearsal a processor that computes in the card's number type."""
    return DeviceDefaults("cpu", False, "bfloat16") if rehearse else find_device()


def run(
    base: Path,
    asked: Recipe,
    data: TrainingData,
    folder: Path,
    device: DeviceDefaults | None = None,
    recorder: Recorder | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: Saved | None = None,
) -> Run:
    """Train by the session's own entry, on `device` instead of the one that it finds."""
    recorder, clock, entry = recorder or Recorder(), Clock(), vars(session)
    found = entry["find_device"]
    if device is not None:
        entry["find_device"] = lambda: device
        precision = device.compute if asked.precision == "auto" else asked.precision
        asked = msgspec.structs.replace(asked, precision=precision)
    try:
        result = session.train(
            ModelDirectory(base),
            asked,
            data,
            recorder,
            folder,
            folder / "out",
            callbacks=[clock, *callbacks],
            resume=resume,
        )
    finally:
        entry["find_device"] = found
    peak = int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
    return Run(result, recorder.losses, clock.seconds, peak, recorder)


def settle() -> None:
    """Wait until the card has done all that it was asked."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def forget() -> None:
    """Give back what is left of a run, so that the next one begins as the first did."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def matrix_rate(rehearse: bool) -> float:
    """Operations per second of a large product of random bfloat16 matrices: the ceiling of the same run."""
    size, rounds = (256, 2) if rehearse else (8192, 20)
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    one, other = (torch.randn(size, size, device=kind, dtype=torch.bfloat16) for _ in range(2))
    taken = []
    for _ in range(rounds + 3):
        settle()
        begin = time.perf_counter()
        for _ in range(5):
            one @ other
        settle()
        taken.append((time.perf_counter() - begin) / 5)
    return float(2 * size**3 / median(taken[3:]))
