"""What one of two processes does in a test: several short runs together, one after another.

Started twice by torch.distributed.run with a base and a folder; the first process writes down what it heard.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from engine import offline
from engine.models.directory import ModelDirectory
from store.records.events import Evaluated
from tests.bases import Recorder
from tests.preferences import asked, data_for

SFT: dict[str, Any] = {"batch_size": 2, "gradient_accumulation": 4, "max_steps": 4, "learning_rate": 2e-4}
RUNS: dict[str, dict[str, Any]] = {
    # five held-out rows in passes of two: no number of processes divides them
    "lora": SFT | {"eval_every": 2, "checkpoint_every": 2, "rehearse": "always"},
    "padded": SFT | {"packing": False, "label_smoothing": 0.1},
    "qlora": SFT | {"method": "qlora"},
    "full": SFT | {"method": "full", "learning_rate": 2e-5},
    "dpo": SFT | {"objective": "dpo"},
    "orpo": SFT | {"objective": "orpo"},
}
HELDOUT_ROWS = 5


def train(base: Path, folder: Path, name: str, watcher: Any, **given: Any) -> dict[str, Any]:
    """Do the run `name`; its losses, those on held-out rows, and what session.train gave."""
    from engine.training import session

    recipe = asked(**RUNS[name])
    data = data_for(base, recipe)
    if recipe.eval_every:
        data.heldout = type(data)(data.rows[:HELDOUT_ROWS])
    out = folder / "artifacts" / "adapter"
    result = session.train(ModelDirectory(base), recipe, data, watcher, folder, out, **given)
    events = getattr(watcher, "events", [])
    return {
        "losses": getattr(watcher, "losses", []),
        "heldout": [event.loss for event in events if isinstance(event, Evaluated)],
        "steps": result.steps,
    }


def main(base: Path, folder: Path) -> None:
    """All runs, as one of the processes."""
    import torch

    from engine.training.processes import Group, Mute

    group = Group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    heard: dict[str, Any] = {}
    for name in RUNS:
        watcher = Mute() if group.rank else Recorder()
        heard[name] = train(base, folder / name, name, watcher, group=group)
        heard[name]["processes"] = torch.distributed.get_world_size()
    if group.first:
        (folder / "heard.json").write_text(json.dumps(heard), encoding="utf-8")


if __name__ == "__main__":
    offline.guard()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
