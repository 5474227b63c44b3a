"""Temper's arm of G3, on the same rows. Usage: g3_temper.py MODEL ROWS.json STEPS OUT"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from engine.data.rendering import Row
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from scripts.benchmarks.g1_temper import Recorder
from scripts.benchmarks.g3_peak import Peak
from store.records.recipe import Lora, Recipe


def main() -> None:
    """Train and print the peak of the last step, and all losses."""
    model, rows_file, steps, out = sys.argv[1:]
    read = json.loads(Path(rows_file).read_text())
    rows = [Row(row["input_ids"], row["labels"], line) for line, row in enumerate(read)]
    recipe = Recipe(
        method="lora",
        max_steps=int(steps),
        batch_size=4,
        learning_rate=2e-4,
        schedule="linear",
        checkpoint_every=0,
        recompute_layers="all",  # as TRL's default has it: what differs is the loss
        lora=Lora(rank=16, alpha=32),
        seed=42,
    )
    recorder, peak = Recorder(), Peak(out)
    with tempfile.TemporaryDirectory() as folder:
        base, adapter = ModelDirectory(Path(model)), Path(folder) / "adapter"
        data = TrainingData(rows)
        session.train(base, recipe, data, recorder, Path(folder), adapter, callbacks=[peak])
    print(json.dumps({"mib": peak.mib, "losses": recorder.losses}))


if __name__ == "__main__":
    main()
