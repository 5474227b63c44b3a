"""What does a JSON grammar cost for each token (G8), on the card."""

from __future__ import annotations

from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.out import _goal

MINUTES = 2.0


def run(bench: Bench) -> Found:
    """As `scripts/bench G8`; both arms use the card where llama.cpp does."""
    need_llama(bench)
    return _goal.measured("g8", bench)
