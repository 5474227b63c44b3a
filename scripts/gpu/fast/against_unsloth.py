"""How fast against Unsloth on the same rows in the same steps, where it is installed (G1)."""

from __future__ import annotations

import importlib.util

from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, CannotRunError, Found
from scripts.gpu.fast import _runs

MINUTES = 2.5
BATCH = 8


def run(bench: Bench) -> Found:
    """One pair on the mix. The losses are shown beside each other: its kernels round in their own way."""
    if importlib.util.find_spec("unsloth") is None:
        raise CannotRunError("Unsloth is not installed here")
    found, steps = Found(), bench.size(16, 4)
    lengths, source = rows.mix_lengths(bench.carried, BATCH * steps)
    made = rows.random_rows(shapes.SHAPES[bench.shape].vocabulary, lengths, trained=0.5)
    ordered = _runs.ordered(made, steps, BATCH)
    file = _runs.write_rows(ordered, bench.scratch / "rows.json")
    theirs = _runs.stock("unsloth_sft.py", shapes.random_model(bench.shape), file, steps, BATCH)
    ours = _runs.timed(
        bench, bench.shape, made, "temper", plan=True, method="qlora", max_steps=steps, batch_size=BATCH,
        max_length=2048, micro_batch="auto",
    )  # fmt: skip
    useful = sum(len(row.input_ids) for row in ordered[BATCH * training.WARM_UP :])
    stock = useful / sum(theirs["seconds"][training.WARM_UP - 1 :])
    found.goal("times as many useful tokens a second", ours["tokens_per_second"] / stock, ">= 1")
    found.figures |= {
        "lengths": source,
        "tokens/s": {"Unsloth": round(stock), "Temper": round(ours["tokens_per_second"])},
        "peak GiB": {name: _runs.gibibytes(one) for name, one in (
            ("Unsloth", theirs["peak"]), ("Temper", ours["peak_bytes"]))},
        "losses": [
            {"Unsloth": a, "Temper": b} for a, b in zip(theirs["losses"], ours["losses"], strict=True)
        ],
    }  # fmt: skip
    return found
