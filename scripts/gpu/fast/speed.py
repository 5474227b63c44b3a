"""How many useful tokens a second, at 2,048 and 8,192 a row, and what share of the card's matrix rate (G2).

The 8B shape in 4 and in 16 bits, packed, rank 16 on every matrix, as the product's planner
fits it to the card. The rate is that of a large product of bfloat16 matrices, measured in the same process
just before.
"""

from __future__ import annotations

from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _runs

MINUTES = 4.0
STEPS = 8
TOKENS = 16_384
"""Of an optimiser step: the planner decides how many passes they make."""


def run(bench: Bench) -> Found:
    """Each method at each length."""
    found, table = Found(), []
    shape = shapes.SHAPES[bench.shape]
    for length in (bench.size(2048, 32), bench.size(8192, 64)):
        for method in ("qlora", "lora"):
            rate = training.matrix_rate(bench.rehearse)
            training.forget()
            batch = max(1, bench.size(TOKENS, 64) // length)
            made = rows.random_rows(shape.vocabulary, [length] * (batch * STEPS))
            done = _runs.timed(
                bench, bench.shape, made, f"{method}-{length}", plan=True, method=method, max_steps=STEPS,
                batch_size=batch, max_length=length, micro_batch="auto",
            )  # fmt: skip
            speed = done["tokens_per_second"]
            table.append(
                {
                    "method": method,
                    "tokens a row": length,
                    "useful tokens/s": round(speed),
                    "TFLOP/s needed": round(speed * shape.flops(length) / 1e12, 1),
                    "matrix TFLOP/s": round(rate / 1e12, 1),
                    "share (4N and attention)": round(speed * shape.flops(length) / rate, 4),
                    "share (4N alone)": round(speed * 4 * shape.multiplied / rate, 4),
                    "ceiling tokens/s": round(rate / shape.flops(length)),
                    "peak GiB": _runs.gibibytes(done["peak_bytes"]),
                    "plan": done["plan"],
                }
            )
            found.gate(f"{method} at {length} is packed", done["packed"], str(done["packed"]))
    first = table[0]
    found.goal(
        "G2: share of the matrix rate, QLoRA at 2,048",
        float(str(first["share (4N and attention)"])),
        ">= 0.6",
    )
    found.figures["speed"] = table
    return found
