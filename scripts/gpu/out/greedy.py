"""Does a GGUF file give the processor's greedy text on the card.

The random Llama of 160M in f32 and Q8_0, alone and sixteen at once. Where a text differs, the processor's two
best scores at the first token that does must be nearly tied: then rounding decides, not a fault.
"""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks.random_llama import VOCABULARY, random_llama
from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.out import _answers

MINUTES = 2.0
# cuBLAS multiplies f32 in TF32 (10 bits); Q8_0's activations are rounded to 8 bits in blocks on both sides
NEAR_TIE = {"f32": 1e-2, "q8_0": 5e-2}


def run(bench: Bench) -> Found:
    """Each type, each number at once."""
    need_llama(bench)
    found = Found()
    asked = _answers.prompts(bench.size(16, 2), VOCABULARY)
    tokens = bench.size(128, 8)
    for kind, file in random_llama().items():
        expected = _answers.answer(file, asked, tokens, 1, gpu=False).ids
        for parallel in (1, len(asked)):
            ids = _answers.answer(file, asked, tokens, parallel).ids
            each = zip(asked, expected, ids, strict=True)
            gaps = [first_gap(file, prompt, a, b) for prompt, a, b in each if a != b]
            same = len(asked) - len(gaps)
            detail = f"{same} of {len(asked)} texts equal over {tokens} tokens"
            detail += f"; gaps where others part {[round(one, 5) for one in gaps]}" if gaps else ""
            name = f"{kind}, {parallel} at once"
            found.gate(name, max(gaps, default=0.0) <= NEAR_TIE[kind], detail)
    return found


def first_gap(file: Path, prompt: list[int], one: list[int], other: list[int]) -> float:
    """How nearly the processor's two best tokens were tied where two texts first differ."""
    at = next(n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    return _answers.gap(file, prompt + one[:at], gpu=False)
