"""How much faster than TRL's own trainer, on the same rows in the same steps (G1).

The mix: rows as long as those of the real mix, steps of eight. Control: rows of one length, none of them
padding. The arms alternate on the 8B shape in 4 bits. Gate: losses of all steps.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from engine.data.rendering import Row
from engine.training.order import training_order
from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _runs

MINUTES = 7.0
BATCH = 8
LOSS_WITHIN = 2e-2
GOALS = {"mix": ">= 3", "one length": ">= 1.4"}


def run(bench: Bench) -> Found:
    """The mix, then the control; pairs as time allows, the first warm-up of the disk left out of none."""
    found, table = Found(), []
    vocabulary = shapes.SHAPES[bench.shape].vocabulary
    for name, pairs, steps in (
        ("mix", bench.size(3, 1), bench.size(16, 4)),
        ("one length", 1, bench.size(10, 4)),
    ):
        count = BATCH * steps
        lengths, source = rows.mix_lengths(bench.carried, count)
        if name != "mix":
            lengths, source = [1024] * count, "all 1,024"
        if bench.rehearse:
            lengths = [max(4, length // 32) for length in lengths]
        made = rows.random_rows(vocabulary, lengths, trained=0.5)
        ratios = []
        for pair in range(pairs):
            row = compare(found, bench, name, made, steps, pair)
            ratios.append(row["ratio"])
            table.append(row)
        order = training_order(lengths, steps, BATCH, BATCH, _runs.SEED)
        found.figures[f"{name}: lengths"] = source
        found.figures[f"{name}: slots per useful token"] = round(rows.slots_per_token(lengths, order), 2)
        found.goal(f"G1 {name}: times as many useful tokens a second", median(ratios), GOALS[name])
    found.figures["pairs"] = table
    return found


def compare(found: Found, bench: Bench, name: str, made: list[Row], steps: int, pair: int) -> dict[str, Any]:
    """One pair of arms: a row of the table. The warm-up steps of both are left out."""
    file = _runs.write_rows(_runs.ordered(made, steps, BATCH), bench.scratch / "rows.json")
    theirs = _runs.stock("trl_sft.py", shapes.random_model(bench.shape), file, steps, BATCH)
    ours = _runs.timed(
        bench, bench.shape, made, f"{name}-{pair}", plan=True, method="qlora", max_steps=steps,
        batch_size=BATCH, max_length=2048, micro_batch="auto",
    )  # fmt: skip
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours["losses"], theirs["losses"], strict=True))
    found.gate(
        f"{name}, pair {pair + 1}", worst <= LOSS_WITHIN, f"losses of {steps} steps within {worst:.1e}"
    )
    tokens = [len(row.input_ids) for row in _runs.ordered(made, steps, BATCH)]
    useful = sum(tokens[BATCH * training.WARM_UP :])
    stock = useful / sum(theirs["seconds"][training.WARM_UP - 1 :])  # its first step has no beginning
    return {
        "rows": name,
        "pair": pair + 1,
        "TRL tokens/s": round(stock),
        "Temper tokens/s": round(ours["tokens_per_second"]),
        "ratio": round(ours["tokens_per_second"] / stock, 3),
        "TRL peak GiB": _runs.gibibytes(theirs["peak"]),
        "Temper peak GiB": _runs.gibibytes(ours["peak_bytes"]),
        "plan": ours["plan"],
    }
