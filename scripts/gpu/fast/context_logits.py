"""How long a row can Transformers' own trainer, which computes all logits, train under the same cap (G3)."""

from __future__ import annotations

from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import context_trl

MINUTES = 2.0


def run(bench: Bench) -> Found:
    """As context_trl, with the plain trainer."""
    return context_trl.run(bench, "logits")
