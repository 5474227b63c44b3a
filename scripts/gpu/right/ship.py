"""Does an adapter that was trained on the card, merged and exported, pass the ship check.

By the commands that a user types, on the embedded base: train, export to two types in one pass, and the
adapter alone.
"""

from __future__ import annotations

from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.commands import Temper

MINUTES = 2.0


def run(bench: Bench) -> Found:
    """Train on the card by each method that leaves something to export."""
    need_llama(bench)
    found = Found()
    temper = Temper(bench.scratch / "workspace")
    steps = f"max_steps={bench.size(300, 40)}"
    for method in ("qlora", "lora", "full"):
        if bench.rehearse and method != "qlora":
            continue
        rate = ("--set", "learning_rate=5e-4") if method == "full" else ()
        run_id = temper.ask("train", "recipes/support.toml", "--method", method, "--set", steps, *rate)[
            "run_id"
        ]
        told = temper.ask("export", run_id, "--quant", "f16,q8_0", "--out", f"exports/{method}")
        check = told["ship_check"]
        detail = f"{check['verdict']} {'; '.join(check['reasons'])}"[:400]
        found.gate(method, check["verdict"] == "SHIP", detail)
        found.figures[f"{method}: files"] = [file["type"] for file in told["files"]]
        if method == "qlora":
            alone = temper.ask("export", run_id, "--adapter-only", "--out", "exports/adapter")["ship_check"]
            reasons = f"{alone['verdict']} {'; '.join(alone['reasons'])}"[:400]
            found.gate("adapter alone", alone["verdict"] == "SHIP", reasons)
    return found
