"""How many pairs a second does DPO take against TRL's own trainer (G4).

The 1B shape in 16 bits, pairs with a shared prompt, each seen once, the reference's pass included. Gate: the
losses of all steps.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from statistics import median
from typing import Any

from engine.data.rendering import IGNORED, Row
from engine.training.data import TrainingData
from engine.training.objectives import dpo
from engine.training.order import training_order
from scripts.gpu import shapes, training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _runs

MINUTES = 3.0
BATCH = 8
LOSS_WITHIN = 2e-2


def run(bench: Bench) -> Found:
    """Pairs of arms in turn."""
    found, table = Found(), []
    steps = bench.size(24, 3)
    data = pairs(bench, BATCH * steps)
    order = training_order(data.lengths, steps, BATCH, BATCH, _runs.SEED)
    file = write(data, order, bench.scratch / "pairs.json")
    for at in range(bench.size(3, 1)):
        theirs = _runs.stock("trl_dpo.py", shapes.random_model(bench.smaller), file, steps, BATCH)
        ours = temper(bench, data, steps, at)
        worst = max(abs(a - b) / abs(b) for a, b in zip(ours["losses"], theirs["losses"], strict=True))
        found.gate(f"pair {at + 1}", worst <= LOSS_WITHIN, f"losses of {steps} steps within {worst:.1e}")
        rates = [BATCH * steps / one["seconds"] for one in (theirs, ours)]
        table.append(
            {
                "pair": at + 1,
                "TRL pairs/s": round(rates[0], 2),
                "Temper pairs/s": round(rates[1], 2),
                "ratio": round(rates[1] / rates[0], 3),
                "TRL peak GiB": _runs.gibibytes(theirs["peak"]),
                "Temper peak GiB": _runs.gibibytes(ours["peak"]),
            }
        )
    found.goal("G4: times as many pairs a second", median(float(row["ratio"]) for row in table), ">= 2")
    found.figures["pairs"] = table
    return found


def pairs(bench: Bench, count: int) -> TrainingData:
    """Random pairs: a prompt of 100 to 700 tokens, endings of 30 to 400; on the processor a 32nd of it."""
    draw, shrink = random.Random(0), bench.size(1, 32)
    vocabulary = shapes.SHAPES[bench.smaller].vocabulary

    def ids(least: int, most: int) -> list[int]:
        return [draw.randrange(3, vocabulary) for _ in range(max(2, draw.randint(least, most) // shrink))]

    chosen, rejected = list[Row](), list[Row]()
    for line in range(count):
        asked = ids(100, 700)
        for side in (chosen, rejected):
            ending = ids(30, 400)
            side.append(Row(asked + ending, [IGNORED] * len(asked) + ending, line))
    return TrainingData(chosen, rejected)


def temper(bench: Bench, data: TrainingData, steps: int, at: int) -> dict[str, Any]:
    """Temper's arm: from the reference's first pass to the last step."""
    taken = 0.0
    stock = dpo.PairTrainer.train

    def watched(*arguments: Any, **rest: Any) -> Any:
        nonlocal taken
        training.settle()
        begin = time.perf_counter()
        outcome = stock(*arguments, **rest)
        training.settle()
        taken = time.perf_counter() - begin
        return outcome

    base = shapes.random_model(bench.smaller)
    asked = training.recipe(
        objective="dpo", method="lora", max_steps=steps, batch_size=BATCH, learning_rate=2e-5,
        max_length=2048, micro_batch="auto",
    )  # fmt: skip
    asked, _ = training.planned(base, asked, data)
    dpo.PairTrainer.train = watched  # type: ignore[method-assign]  # timed from outside
    try:
        done = training.run(base, asked, data, bench.scratch / f"temper-{at}", training.card(bench.rehearse))
    finally:
        dpo.PairTrainer.train = stock  # type: ignore[method-assign]  # put back
    training.forget()
    return {"seconds": taken, "losses": done.losses, "peak": done.peak}


def write(data: TrainingData, order: list[int], file: Path) -> Path:
    """Pairs as the stock arm reads them, in Temper's order."""
    found = []
    for at in order:
        chosen, rejected = data.rows[at], data.rejected[at]
        asked = chosen.labels.count(IGNORED)
        found.append(
            {
                "prompt_ids": chosen.input_ids[:asked],
                "chosen_ids": chosen.input_ids[asked:],
                "rejected_ids": rejected.input_ids[asked:],
            }
        )
    file.write_text(json.dumps(found), encoding="utf-8")
    return file
