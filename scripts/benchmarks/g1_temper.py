"""Temper's arm of G1, on the same rows. Usage: g1_temper.py MODEL ROWS.json STEPS OUT"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import TrainerCallback

from engine.data.rendering import Row
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from store.records.events import Event, Step
from store.records.recipe import Lora, Recipe


class Recorder:
    """Keeps losses, and when each step was done."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.times: list[float] = []

    def emit(self, event: Event) -> None:
        """Take a step's loss."""
        if isinstance(event, Step):
            self.losses.append(event.loss)
            self.times.append(time.perf_counter())

    def stop_requested(self) -> bool:
        """Nobody stops it."""
        return False


class Gradients(TrainerCallback):
    """Writes the first step's gradients."""

    def __init__(self, path: str) -> None:
        self.path = path

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Write them before the optimiser changes anything."""
        if state.global_step == 0:
            save_file({n: p.grad for n, p in model.named_parameters() if p.grad is not None}, self.path)


def main() -> None:
    """Train and print seconds between the first and the last step, and all losses."""
    model, rows_file, steps, out = sys.argv[1:]
    read = json.loads(Path(rows_file).read_text())
    rows = [Row(row["input_ids"], row["labels"], line) for line, row in enumerate(read)]
    recipe = Recipe(
        method="qlora",
        max_steps=int(steps),
        batch_size=8,
        learning_rate=2e-4,
        schedule="linear",
        checkpoint_every=0,
        lora=Lora(rank=16, alpha=32),
        seed=42,
    )
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        base = ModelDirectory(Path(model))
        adapter = Path(folder) / "adapter"
        data = TrainingData(rows)
        session.train(base, recipe, data, recorder, Path(folder), adapter, callbacks=[Gradients(out)])
    print(json.dumps({"seconds": recorder.times[-1] - recorder.times[0], "losses": recorder.losses}))


if __name__ == "__main__":
    main()
