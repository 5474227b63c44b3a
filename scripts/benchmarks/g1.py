"""G1, training: useful tokens per second of Temper against stock TRL, on the same rows in the same steps.

mix          QLoRA on the real mix (g1_mix): the goal. Stock pads random batches of eight
gsm8k        worked answers alone: fewer slots are wasted there
grouped      steps of rows of like length, as the stock sampler makes them of all rows: the strongest easy
             baseline, of which both arms take the same steps
control      rows of one length, none of them padding: packing cannot help, the rest must not hurt
Gate: per-token losses of all steps within 1e-4, and the first step's gradients point the same way (cosine).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.rendering import Row
from engine.training.order import training_order
from scripts.benchmarks import g1_mix
from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, result
from scripts.real_runs.commands import shared_data

HERE = Path(__file__).resolve().parent
BATCH, SEED = 8, 42
LOSS_WITHIN, COSINE = 1e-4, 0.999
HIDDEN, LAYERS = 256, 6
# Both arms keep freed memory: else the system's cost of handing out pages again, which differs widely from
# machine to machine, is most of what is measured of the arm that makes large tensors.
KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_TOP_PAD_": str(1 << 28),
}


def measure(pairs: int) -> Iterator[Result]:
    """All four as they come; the goal itself first. A quick run takes fewer steps and pairs."""
    data = shared_data()
    if data is None:
        raise SystemExit("G1 trains on real rows: set TEMPER_SHARED_DATA to their folder.")
    steps, pairs = (20, 5) if pairs >= FULL_PAIRS else (6, 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = g1_mix.make_model(folder / "model", data, HIDDEN, LAYERS)
        mix = g1_mix.rows_of(model, data, g1_mix.SOURCES)
        worked = g1_mix.rows_of(model, data, ["gsm8k"])
        even = g1_mix.uniform(mix, 256)
        control = Part(folder / "control", model, even, steps // 2).ratios(1)
        yield Part(folder / "mix", model, mix, steps).result("G1 mix", pairs, ">= 3", control)
        yield Part(folder / "gsm8k", model, worked, steps // 2).result("G1 gsm8k", 1, ">= 1", None)
        alike = g1_mix.grouped(mix, steps, BATCH, training_order([1] * len(mix), steps, BATCH, BATCH, SEED))
        yield Part(folder / "grouped", model, alike, steps).result("G1 grouped", 1, ">= 1", None)
        yield Part(folder / "even", model, even, steps // 2).result("G1 one length", 1, ">= 1", None)


class Part:
    """Both arms on the same rows."""

    def __init__(self, folder: Path, model: Path, rows: list[Row], steps: int) -> None:
        folder.mkdir()
        self.folder, self.model, self.steps = folder, model, steps
        self.lengths = [len(row.input_ids) for row in rows]
        self.order = training_order(self.lengths, steps, BATCH, BATCH, SEED)
        self.ours = g1_mix.write(rows, folder / "rows.json")
        self.theirs = g1_mix.write([rows[index] for index in self.order], folder / "ordered.json")
        self.runs: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def ratios(self, pairs: int) -> list[float]:
        """Stock seconds over Temper's, for the same rows."""
        for _ in range(pairs):
            stock = arm("g1_stock.py", self.model, self.theirs, self.steps, self.file(0))
            ours = arm("g1_temper.py", self.model, self.ours, self.steps, self.file(1))
            self.runs.append((stock, ours))
            tell(self.folder.name, stock, ours)
        return [stock["seconds"] / ours["seconds"] for stock, ours in self.runs]

    def result(self, goal: str, pairs: int, target: str, control: list[float] | None) -> Result:
        """Measured, with the gate."""
        values = self.ratios(pairs)
        passed, detail = self.gate()
        tokens = [self.lengths[index] for index in self.order]
        longest = [max(tokens[at : at + BATCH]) for at in range(0, len(tokens), BATCH)]
        return result(
            goal,
            values,
            target=target,
            passed=passed,
            detail=detail,
            control=control,
            slots_per_token=round(BATCH * sum(longest) / sum(tokens), 2),
        )

    def gate(self) -> tuple[bool, str]:
        """Whether both arms learned the same."""
        worst = max(
            abs(a - b)
            for stock, ours in self.runs
            for a, b in zip(stock["losses"], ours["losses"], strict=True)
        )
        like = cosine(self.file(0), self.file(1))
        detail = f"losses of {self.steps} steps within {worst:.1e}; gradients' cosine {like:.6f}"
        return worst <= LOSS_WITHIN and like >= COSINE, detail

    def file(self, index: int) -> Path:
        """Where an arm writes the first step's gradients."""
        return self.folder / f"gradients{index}.safetensors"


def arm(script: str, *arguments: object) -> dict[str, Any]:
    """What one arm prints at its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"} | KEEP_MEMORY
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    answer: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return answer


def tell(part: str, stock: dict[str, Any], ours: dict[str, Any]) -> None:
    """A pair of runs, on stderr: each takes minutes."""
    seconds = stock["seconds"], ours["seconds"]
    print(f"{part}: stock {seconds[0]:.1f} s, Temper {seconds[1]:.1f} s", file=sys.stderr, flush=True)


def cosine(first: Path, second: Path) -> float:
    """The cosine of the angle between two files of gradients, all tensors as one vector."""
    import torch
    from safetensors.torch import load_file

    a, b = load_file(first), load_file(second)
    assert a.keys() == b.keys()
    pairs = [(a[name].double().flatten(), b[name].double().flatten()) for name in a]
    dot, left, right = (sum(float(x) for x in each) for each in zip(*(
        (p @ q, p @ p, q @ q) for p, q in pairs), strict=True))  # fmt: skip
    return float(dot / torch.tensor(left * right).sqrt())
