"""How many tokens a second with 1, 16 and 32 answers at once, against one completion after the other (G7)."""

from __future__ import annotations

from statistics import median

from scripts.benchmarks.random_llama import VOCABULARY, random_llama
from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.out import _answers

MINUTES = 2.5


def run(bench: Bench) -> Found:
    """The random Llama of 160M in Q8_0, in turns with the stock library."""
    need_llama(bench)
    found, file = Found(), random_llama()["q8_0"]
    asked = _answers.prompts(bench.size(64, 4), VOCABULARY)
    tokens = bench.size(256, 8)
    table, ratios, texts = [], dict[int, list[float]](), dict[int, list[list[int]]]()
    for turn in range(bench.size(5, 1)):
        told = _answers.stock(file, asked[: bench.size(16, 2)], tokens, bench.scratch)
        sequential = told["tokens"] / told["seconds"]
        table.append({"turn": turn + 1, "at once": "stock", "tokens/s": round(sequential), "ratio": 1.0})
        for parallel in (1, 16, 32):
            few = asked[: bench.size(16, 2)] if parallel == 1 else asked
            done = _answers.answer(file, few, tokens, parallel)
            speed, texts[parallel] = done.tokens_per_second, done.ids
            ratios.setdefault(parallel, []).append(speed / sequential)
            table.append(
                {
                    "turn": turn + 1,
                    "at once": str(parallel),
                    "tokens/s": round(speed),
                    "ratio": round(speed / sequential, 2),
                }
            )
    alone = texts[1]
    for parallel in (16, 32):
        same = sum(a == b for a, b in zip(alone, texts[parallel], strict=False))
        found.figures[f"texts as alone, {parallel} at once"] = f"{same} of {len(alone)}"
    every = all(len(ids) == tokens for written in texts.values() for ids in written)
    found.gate("every answer is whole", every, f"{tokens} tokens each")
    best = max(median(ratios[16]), median(ratios[32]))
    found.goal("G7: times the sequential tokens a second, 16 or 32 at once", best, ">= 8")
    found.figures["medians"] = {
        str(parallel): round(median(values), 2) for parallel, values in ratios.items()
    }
    found.figures["tokens"] = table
    return found
