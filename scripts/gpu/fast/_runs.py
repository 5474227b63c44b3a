"""What the speed steps share: a timed run on rows, the stock arms, a row of a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.data.rendering import Row
from engine.training.data import TrainingData
from engine.training.order import training_order
from scripts.gpu import shapes, training
from scripts.gpu.bench import Bench
from scripts.gpu.plan import HERE, ROOT

SEED = 42


def timed(
    bench: Bench, shape: str, rows: list[Row], name: str, *, plan: bool = False, **changes: Any
) -> dict[str, Any]:
    """A run of Temper on rows: {tokens_per_second, seconds_per_step, peak_bytes, losses, packed, plan}.

    With `plan` the product's planner fits the recipe to the card first, as in any run of a user.
    """
    recipe, decisions = training.recipe(**changes), ["as written"]
    if plan:
        recipe, decisions = training.planned(shapes.random_model(shape), recipe, TrainingData(rows))
    lengths = [len(row.input_ids) for row in rows]
    per_step = recipe.batch_size * recipe.gradient_accumulation
    order = training_order(lengths, recipe.max_steps, per_step, recipe.batch_size, SEED)
    tokens = [
        sum(lengths[at] for at in order[begin : begin + per_step]) for begin in range(0, len(order), per_step)
    ]
    folder = bench.scratch / name.replace(" ", "-").replace(",", "")
    base, device = shapes.random_model(shape), training.card(bench.rehearse)
    done = training.run(base, recipe, TrainingData(rows), folder, device)
    training.forget()
    return {
        "tokens_per_second": done.tokens_per_second(tokens),
        "seconds_per_step": done.per_step(),
        "peak_bytes": done.peak,
        "losses": done.losses,
        "packed": done.result.packed,
        "plan": "; ".join(decisions),
    }


def stock(script: str, *arguments: object) -> dict[str, Any]:
    """What a stock arm prints at its end. Raises CalledProcessError with what it said when it fails."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    command = [sys.executable, str(HERE / "fast" / "arms" / script), *map(str, arguments)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    answer: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return answer


def write_rows(rows: list[Row], path: Path) -> Path:
    """Rows as a stock arm reads them."""
    path.write_text(json.dumps([{"input_ids": row.input_ids, "labels": row.labels} for row in rows]))
    return path


def ordered(rows: list[Row], steps: int, batch: int) -> list[Row]:
    """The rows as Temper takes them in so many steps: a stock arm is given them in this order."""
    lengths = [len(row.input_ids) for row in rows]
    return [rows[at] for at in training_order(lengths, steps, batch, batch, SEED)]


def gibibytes(count: float) -> float:
    """Bytes in GiB, to two digits."""
    return round(count / (1 << 30), 2)
