"""Does a run whose memory is full climb down the ladder and finish, with the same rows in every step.

The process's share of the card is capped so that the planned pass does not fit and a smaller one does. A
rehearsal has no such cap: there a forward pass of too many rows raises what the card would raise.
"""

from __future__ import annotations

from typing import Any

import torch

from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.estimate import CUDA_CONTEXT, estimate
from engine.training.levers import defaults
from engine.training.machine import find_machine
from engine.training.shape import shape_of
from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, Found
from store.records.events import Measured, Notice, Resumed
from store.records.plan import Demand, Machine

MINUTES = 1.0
BATCH, STEPS = 16, 6
FITS = 4
"""Rows of a pass that are to fit: the ladder halves, so two rungs lie between."""
LOSS_WITHIN = 2e-2


def run(bench: Bench) -> Found:
    """A run under the cap, and one that had small passes from the start."""
    found = Found()
    base, length = shapes.random_model(bench.smaller), bench.size(1024, 32)
    vocabulary = shapes.SHAPES[bench.smaller].vocabulary
    data = TrainingData(rows.random_rows(vocabulary, [length] * (BATCH * STEPS)))
    asked = {"method": "qlora", "max_steps": STEPS, "recompute_layers": 0, "max_length": max(length, 8)}
    small = training.recipe(**asked, batch_size=FITS, gradient_accumulation=BATCH // FITS)
    device = training.card(bench.rehearse)
    expected = training.run(base, small, data, bench.scratch / "small", device).losses
    training.forget()
    for name, rehearsed in (("at the first step", "never"), ("in the preflight", "always")):
        asked["rehearse"] = rehearsed
        with Cap(bench, base_bytes(bench, asked, length)) as cap:
            wide = training.recipe(**asked, batch_size=BATCH)
            done = training.run(base, wide, data, bench.scratch / rehearsed, device)
        notices = [event.title for event in done.recorder.events if isinstance(event, Notice)]
        full = [title for title in notices if title.startswith("Memory is full")]
        worst = max(abs(a - b) / abs(b) for a, b in zip(done.losses, expected, strict=False))
        climbed = len(full) >= 1 and len(done.losses) == STEPS
        found.gate(f"climbs {name}", climbed, f"cap {cap.words}; {len(full)} rungs: {'; '.join(full)}")
        found.gate(f"same steps {name}", worst <= LOSS_WITHIN, f"losses within {worst:.1e} of small passes")
        measured = [event.peak_bytes for event in done.recorder.events if isinstance(event, Measured)]
        if measured and not bench.rehearse:
            inside = measured[-1] <= cap.bytes
            found.gate("the peak that is told is that of the rung", inside, f"{measured[-1]:,} bytes")
        resumed = [event.step for event in done.recorder.events if isinstance(event, Resumed)]
        found.figures[f"{name}: went on from"] = resumed
        training.forget()
    return found


def base_bytes(bench: Bench, asked: dict[str, Any], length: int) -> int:
    """A cap between what passes of FITS and of twice as many rows take, by the estimate."""
    shape = shape_of(ModelDirectory(shapes.random_model(bench.smaller)))
    machine = Machine("cpu", True, 0, 0) if bench.rehearse else find_machine()
    wholes = []
    for size in (FITS, 2 * FITS):
        recipe = defaults(training.recipe(**asked, batch_size=size), cuda=True)
        demand = Demand(size * length, size * length, size, length)
        wholes.append(estimate(shape, recipe, demand, machine).total_bytes - CUDA_CONTEXT)
    return sum(wholes) // 2


class Cap:
    """Inside, this process may take no more than `bytes` of the card."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bytes, self._rehearse = size, bench.rehearse
        self.words = f"{size / 2**20:,.0f} MiB"

    def __enter__(self) -> Cap:
        if self._rehearse:
            self._stock = _raise_beyond(FITS)
        else:
            total = torch.cuda.get_device_properties(0).total_memory
            torch.cuda.set_per_process_memory_fraction(self.bytes / total)
        return self

    def __exit__(self, *error: object) -> None:
        if self._rehearse:
            from transformers import Trainer

            Trainer.training_step = self._stock  # type: ignore[method-assign]  # put back what was there
        else:
            torch.cuda.set_per_process_memory_fraction(1.0)


def _raise_beyond(most: int) -> Any:
    """Make forward passes of more than `most` rows raise what a full card raises; returns the stock step."""
    from transformers import Trainer

    stock = Trainer.training_step

    def step(trainer: Any, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        if int((inputs["position_ids"] == 0).sum()) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. (rehearsed)")
        return stock(trainer, model, inputs, *rest, **more)

    Trainer.training_step = step  # type: ignore[method-assign, assignment]  # the rehearsal's small card
    return stock
