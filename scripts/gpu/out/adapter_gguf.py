"""How fast does an adapter become a GGUF file, and in how much memory (G5).

As `scripts/bench G5`, on this machine's cores: nothing of it uses the card. Needs GPT-2's tokenizer, which
`python -m scripts.gpu.rows` puts beside the other things to carry.
"""

from __future__ import annotations

from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.out import _goal, _material

MINUTES = 4.0


def run(bench: Bench) -> Found:
    """The goal with all its parts."""
    need_llama(bench)
    _material.real_data(bench)
    if bench.rehearse:
        return _goal.importable("g5", "its smallest run takes minutes on two cores: scripts/bench G5")
    return _goal.measured("g5", bench)
