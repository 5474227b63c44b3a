"""How long a row can TRL's trainer train under the same cap, with its defaults (for G3)."""

from __future__ import annotations

from scripts.gpu import shapes
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _runs
from scripts.gpu.fast.context import CAP, FIRST, MOST

MINUTES = 2.5
KIND = "trl"


def run(bench: Bench, kind: str = KIND) -> Found:
    """The stock arm, a process of its own that imports nothing of Temper's training."""
    found = Found()
    first, most = bench.size(FIRST, 64), bench.size(MOST, 256)
    told = _runs.stock("reach.py", shapes.random_model(bench.shape), kind, CAP, first, most)
    found.gate("a row fits", told["longest"] > 0, f"{told['longest']:,} tokens")
    found.figures["longest"] = told["longest"]
    found.figures["tries"] = told["tries"]
    return found
