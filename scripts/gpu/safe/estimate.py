"""Is the memory estimate within a tenth of the measured peak, and never under it.

Five settings and the large model. The peak is the allocator's: of tensors. What the process takes besides
(context, libraries, pages of the optimiser) is told beside it, as the driver sees it.
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
from scripts.gpu.safe import _card
from store.records.plan import Demand, Machine
from store.records.recipe import Lora, Recipe

MINUTES = 2.5
ABOVE = 1.10
SETTINGS: dict[str, dict[str, Any]] = {
    "qlora, nothing recomputed": {"method": "qlora", "recompute_layers": 0},
    "qlora, all recomputed, float32 scales": {
        "method": "qlora", "recompute_layers": "all", "double_quantisation": False,
    },
    "lora, half recomputed": {"method": "lora", "recompute_layers": 8},
    "lora with DoRA": {"method": "lora", "recompute_layers": 0, "lora": Lora(rank=16, alpha=32, dora=True)},
    "full": {"method": "full", "recompute_layers": 0, "learning_rate": 1e-5},
}  # fmt: skip


def run(bench: Bench) -> Found:
    """Each setting in turn, with AdamW: what it holds is seen by the allocator, paged states are not."""
    found, table = Found(), []
    asked = [(name, bench.smaller, changes) for name, changes in SETTINGS.items()]
    asked.append(("qlora on the large model", bench.shape, {"method": "qlora", "recompute_layers": "all"}))
    for name, shape, changes in asked:
        row = measure(bench, name, shape, changes)
        table.append(row)
        if not bench.rehearse:
            ratio = row["ratio"]
            found.gate(name, 1.0 <= ratio <= ABOVE, f"estimate {ratio:.3f} of the measured peak")
        training.forget()
    if bench.rehearse:
        found.gate(
            "estimates", all(row["estimated"] > 0 for row in table), "made; nothing to measure on a CPU"
        )
    found.figures["memory"] = table
    return found


def measure(bench: Bench, name: str, shape: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The estimate and the measured peak of one setting, in bytes."""
    base, batch, length = shapes.random_model(shape), 4, bench.size(1024, 32)
    data = TrainingData(
        rows.random_rows(shapes.SHAPES[shape].vocabulary, [length] * (batch * 3), trained=0.5)
    )
    recipe = training.recipe(max_steps=3, batch_size=batch, optimiser="adamw", **changes)
    before = _card.used()
    folder = bench.scratch / name.replace(" ", "-").replace(",", "")
    done = training.run(base, recipe, data, folder, training.card(bench.rehearse))
    held = max(0, _card.used() - before)
    reserved = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
    found = expected(
        bench, base_of(shape), recipe, Demand(batch * length, batch * length // 2, batch, length)
    )
    return {
        "setting": name,
        "estimated": found,
        "measured": done.peak,
        "ratio": found / done.peak if done.peak else None,
        "reserved": reserved,
        "driver, besides": max(0, held - torch.cuda.memory_reserved()) if torch.cuda.is_available() else 0,
    }


def base_of(shape: str) -> ModelDirectory:
    """The model's directory."""
    return ModelDirectory(shapes.random_model(shape))


def expected(bench: Bench, base: ModelDirectory, recipe: Recipe, demand: Demand) -> int:
    """The estimate without the context, which the allocator does not see."""
    machine = Machine("cpu", True, 0, 0) if bench.rehearse else find_machine()
    settled = defaults(recipe, cuda=True)
    return estimate(shape_of(base), settled, demand, machine).total_bytes - CUDA_CONTEXT
