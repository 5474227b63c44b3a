"""G9, chat streaming: seconds of Temper's loop over those of a bare loop of low-level calls, greedy, one
answer. A random Llama of 160M with a vocabulary of 128,000, Q8_0.

3,000 tokens    the goal (600 in a quick run)
control         64 tokens: what grows with the length shows less
Gate: the same bytes; those that are no text are left out on both sides: the bare loop knows no characters.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, result
from scripts.benchmarks.random_llama import VOCABULARY, random_llama

HERE = Path(__file__).resolve().parent
SIZE, FULL, QUICK, SHORT = 4096, 3000, 600, 64


def measure(pairs: int) -> Iterator[Result]:
    """The goal."""
    model = random_llama()["q8_0"]
    tokens = FULL if pairs >= FULL_PAIRS else QUICK
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        prompt = Path(scratch) / "prompt.json"
        prompt.write_text(json.dumps([draw.randrange(5, VOCABULARY) for _ in range(32)]))
        short = [arm(name, model, prompt, SHORT)[1] for name in ("temper", "stock")]
        runs = [
            (arm("stock", model, prompt, tokens), arm("temper", model, prompt, tokens))
            for _ in range(5 if pairs >= FULL_PAIRS else 3)
        ]
    same = all(stock[0] == temper[0] for stock, temper in runs)
    yield result(
        "G9 streaming",
        [temper[1] / stock[1] for stock, temper in runs],
        target="<= 1.03",
        passed=same and bool(runs[0][0][0]),
        detail=f"{len(runs[0][0][0]):,} characters of {tokens:,} tokens, {'equal' if same else 'NOT equal'}",
        control=[short[0] / short[1]],
    )


def arm(name: str, model: Path, prompt: Path, tokens: int) -> tuple[str, float]:
    """The text of an arm and its seconds for each token."""
    command = [sys.executable, str(HERE / f"g9_{name}.py"), str(model), str(prompt), str(tokens), str(SIZE)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    told = json.loads(done.stdout.splitlines()[-1])
    text = bytes.fromhex(told["text"]).decode("utf-8", errors="ignore").replace("\ufffd", "")
    print(f"{name} {tokens}: {told['seconds']:.2f} s", file=sys.stderr, flush=True)
    return text, told["seconds"] / tokens
