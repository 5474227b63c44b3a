"""How fast does an adapter become a GGUF file, and in how much memory (G5).

As `scripts/bench G5`, on this machine's cores: nothing of it uses the card. Needs GPT-2's tokenizer, which
`python -m scripts.gpu.rows` puts beside the other things to carry.
"""

from __future__ import annotations

import os

from scripts.gpu.bench import Bench, CannotRunError, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.out import _goal

MINUTES = 4.0


def run(bench: Bench) -> Found:
    """The goal with all its parts."""
    need_llama(bench)
    data = bench.carried / "data"
    if (data / "tokenizers" / "gpt2.vocab").is_file():
        os.environ["TEMPER_SHARED_DATA"] = str(data)
    from scripts.real_runs.commands import shared_data

    if shared_data() is None:
        raise CannotRunError("no tokenizer was carried: python -m scripts.gpu.rows, where the real data is")
    if bench.rehearse:
        return _goal.importable("g5", "its smallest run takes minutes on two cores: scripts/bench G5")
    return _goal.measured("g5", bench)
