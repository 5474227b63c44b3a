"""Rows to train on: random ids, of one length or of lengths as real data has them.

The real mix of G1 is not copied; its lengths are (`python -m scripts.gpu.rows` writes them to build/gpu, with
the tokenizer that G5 needs, where the real data is). Without them lengths are drawn, log-normal, to about the
same waste: 2.65 slots for each useful token when rows are padded at random in eights. Random ids: a random
model learns nothing of either, and takes the same time.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

from engine.data.rendering import IGNORED, Row
from engine.training.order import training_order

SEED = 0
MIX_FILE = "mix_lengths.json"
GPT2 = ("gpt2.vocab", "gpt2.merges.txt")
CAP, BATCH = 2048, 8
MIDDLE, SPREAD = 5.2, 0.95
"""Mean and deviation of the logarithm of a drawn length: a median of 181 tokens."""


def random_rows(vocabulary: int, lengths: list[int], trained: float = 1.0) -> list[Row]:
    """Rows of random tokens of those lengths; the last `trained` share of each carries loss."""
    numbers = random.Random(SEED)
    rows = []
    for line, length in enumerate(lengths, start=1):
        ids = [numbers.randrange(3, vocabulary) for _ in range(length)]
        free = min(length - 1, round(length * (1 - trained)))
        rows.append(Row(ids, [IGNORED] * free + ids[free:], line))
    return rows


def mix_lengths(carried: Path, count: int) -> tuple[list[int], str]:
    """`count` lengths as the real mix has them, and where they are from."""
    file = carried / MIX_FILE
    if file.is_file():
        known: list[int] = json.loads(file.read_text(encoding="utf-8"))
        return [known[at % len(known)] for at in range(count)], f"the real mix ({len(known)} rows)"
    draw = random.Random(SEED)
    drawn = [max(8, min(CAP, round(draw.lognormvariate(MIDDLE, SPREAD)))) for _ in range(count)]
    return drawn, "drawn, log-normal"


def slots_per_token(lengths: list[int], order: list[int]) -> float:
    """What random padding takes for each useful token, in steps of eight rows."""
    ordered = [lengths[at] for at in order]
    padded = sum(BATCH * max(ordered[at : at + BATCH]) for at in range(0, len(ordered), BATCH))
    return padded / sum(ordered)


def in_order(rows: list[Any], lengths: list[int], steps: int, seed: int) -> list[Any]:
    """The rows as Temper takes them in `steps` steps of eight: what a stock arm must be given."""
    return [rows[at] for at in training_order(lengths, steps, BATCH, BATCH, seed)]


def carry(folder: Path) -> str:
    """Write the lengths of the real mix into `folder`; what was done, in words."""
    from scripts.benchmarks import g1_mix
    from scripts.real_runs.commands import shared_data

    data = shared_data()
    if data is None:
        return "no real data here (TEMPER_SHARED_DATA): lengths will be drawn on the machine"
    folder.mkdir(parents=True, exist_ok=True)
    model = g1_mix.make_model(folder / "tokenizer", data, 64, 1)
    lengths = [len(row.input_ids) for row in g1_mix.rows_of(model, data, g1_mix.SOURCES)]
    (folder / MIX_FILE).write_text(json.dumps(lengths), encoding="utf-8")
    shutil.rmtree(folder / "tokenizer")
    tokenizers = folder / "data" / "tokenizers"
    tokenizers.mkdir(parents=True, exist_ok=True)
    for name in GPT2:  # what G5 gives its model
        shutil.copyfile(data / "tokenizers" / name, tokenizers / name)
    return f"{len(lengths)} lengths in {folder / MIX_FILE}, a tokenizer in {tokenizers}"


if __name__ == "__main__":
    from scripts.gpu.plan import ROOT

    print(carry(ROOT / "build" / "gpu"))
