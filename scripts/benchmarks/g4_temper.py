"""Temper's arm of G4, on the same pairs. Usage: g4_temper.py MODEL PAIRS.json STEPS"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.data.rendering import IGNORED, Row
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from engine.training.objectives import dpo
from store.records.events import Event, Step
from store.records.recipe import Lora, Recipe


class Recorder:
    """Keeps the margins."""

    def __init__(self) -> None:
        self.margins: list[float] = []

    def emit(self, event: Event) -> None:
        """Take a step's."""
        if isinstance(event, Step):
            self.margins.append(event.metrics["reward_margin"])

    def stop_requested(self) -> bool:
        """Nobody stops it."""
        return False


def row(line: int, prompt: list[int], ending: list[int]) -> Row:
    """One ending behind its prompt."""
    return Row(prompt + ending, [IGNORED] * len(prompt) + ending, line)


def main() -> None:
    """Train and print the seconds from the reference's first pass to the last step, and all margins."""
    model, pairs_file, steps = sys.argv[1:]
    read = list(enumerate(json.loads(Path(pairs_file).read_text())))
    data = TrainingData(
        [row(line, pair["prompt_ids"], pair["chosen_ids"]) for line, pair in read],
        [row(line, pair["prompt_ids"], pair["rejected_ids"]) for line, pair in read],
    )
    recipe = Recipe(
        objective="dpo",
        method="lora",
        max_steps=int(steps),
        batch_size=8,
        learning_rate=2e-5,
        schedule="linear",
        checkpoint_every=0,
        lora=Lora(rank=16, alpha=32),
        seed=42,
    )
    recorder, taken = Recorder(), 0.0
    stock = dpo.PairTrainer.train

    def timed(*arguments: Any, **rest: Any) -> Any:
        nonlocal taken
        begin = time.perf_counter()
        outcome = stock(*arguments, **rest)
        taken = time.perf_counter() - begin
        return outcome

    dpo.PairTrainer.train = timed  # type: ignore[method-assign]  # timed from outside
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "adapter"
        session.train(ModelDirectory(Path(model)), recipe, data, recorder, Path(folder), out)
    print(json.dumps({"seconds": taken, "margins": recorder.margins}))


if __name__ == "__main__":
    main()
