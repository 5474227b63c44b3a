"""Do QLoRA, LoRA, full training and DPO lose on the card, step by step, what they lose on the processor.

The processor computes in float32, the card in bfloat16: the two may differ by what bfloat16 rounds. A control
trains with another learning rate, which must be told apart: else the tolerance would pass anything.
"""

from __future__ import annotations

from typing import Any

from engine.training.data import TrainingData
from scripts.gpu import training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.right import _data

MINUTES = 1.0
ROWS = 8
# bfloat16 has 8 bits of precision, which is 4e-3 relative; the rest is headroom for sums in another order
TOLERANCE = 2e-2
METHODS: dict[str, dict[str, Any]] = {
    "qlora": {"method": "qlora"},
    "lora": {"method": "lora"},
    "full": {"method": "full", "learning_rate": 1e-4},
    "dpo": {"method": "lora", "objective": "dpo", "learning_rate": 5e-4},
    "dpo on 4 bits": {"method": "qlora", "objective": "dpo", "learning_rate": 5e-4},
}


def run(bench: Bench) -> Found:
    """Each method on both, from the same rows and seed."""
    found = Found()
    steps = bench.size(10, 4)
    table: list[dict[str, Any]] = []
    for name, changes in METHODS.items():
        data = _data.pairs(steps * ROWS) if "dpo" in name else TrainingData(_data.rows(steps * ROWS))
        asked = {"max_steps": steps, "batch_size": ROWS, "learning_rate": 2e-3} | changes
        processor = losses(bench, f"{name} cpu", asked, data, training.PROCESSOR)
        card = losses(bench, f"{name} card", asked, data, training.card(bench.rehearse))
        table += [
            {"method": name, "step": at + 1, "cpu": a, "card": b}
            for at, (a, b) in enumerate(zip(processor, card, strict=True))
        ]
        worst = apart(processor, card)
        found.gate(name, worst <= TOLERANCE, f"losses of {steps} steps within {worst:.1e} (relative)")
    asked = {"max_steps": steps, "batch_size": ROWS, "learning_rate": 2e-2, "method": "lora"}
    data = TrainingData(_data.rows(steps * ROWS))
    other = losses(bench, "control", asked, data, training.card(bench.rehearse))
    right = [row["cpu"] for row in table if row["method"] == "lora"]
    worst = apart(right, other)
    found.gate("control", worst > TOLERANCE, f"ten times the rate differs by {worst:.1e}: it is told apart")
    found.figures["losses"] = table
    return found


def losses(bench: Bench, name: str, asked: dict[str, Any], data: TrainingData, device: Any) -> list[float]:
    """The losses of a run on the tiny base."""
    done = training.run(
        _data.tiny().path, training.recipe(**asked), data, bench.scratch / name.replace(" ", "-"), device
    )
    training.forget()
    return done.losses


def apart(one: list[float], other: list[float]) -> float:
    """The largest relative difference of two curves."""
    return max(abs(a - b) / max(abs(a), 1e-6) for a, b in zip(one, other, strict=True))
