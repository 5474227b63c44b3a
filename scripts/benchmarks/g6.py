"""G6, multiple choice: seconds of the stock `logits_all=True` path over Temper's, for the same questions.
A random Llama of 160M with a vocabulary of 128,000, Q8_0.

few-shot    the goal: questions of 30 to 90 tokens behind 512 that all share, four choices of 1 to 8 tokens.
            The stock arm does 6 questions (3 in a quick run), Temper's 32 that begin with those
control     two questions with nothing in common and one choice of one token each: no prefix, no other choice
Gate: the same choice is the likeliest, and all log-probabilities are within 1e-3, of every question of both.
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
from typing import Any

from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, result
from scripts.benchmarks.random_llama import VOCABULARY, random_llama

HERE = Path(__file__).resolve().parent
SIZE, SHARED, QUESTIONS, CHOICES, CLOSE = 1024, 512, 32, 4, 1e-3


def measure(pairs: int) -> Iterator[Result]:
    """The goal."""
    model = random_llama()["q8_0"]
    few = 6 if pairs >= FULL_PAIRS else 3
    with tempfile.TemporaryDirectory() as scratch:
        folder, asked, control = Path(scratch), questions(QUESTIONS, SHARED, CHOICES), questions(2, 0, 1)
        runs = [
            (arm("stock", model, asked[:few], folder), arm("temper", model, asked, folder))
            for _ in range(5 if pairs >= FULL_PAIRS else 3)
        ]
        alone = [arm(name, model, control, folder) for name in ("stock", "temper")]
    passed, detail = gate(runs[0][0]["scores"], runs[0][1]["scores"][:few])
    yield result(
        "G6 multiple choice",
        [(stock["seconds"] / few) / (temper["seconds"] / QUESTIONS) for stock, temper in runs],
        target=">= 20",
        passed=passed,
        detail=detail,
        control=[alone[0]["seconds"] / alone[1]["seconds"]],
    )


def questions(count: int, shared: int, choices: int) -> list[dict[str, Any]]:
    """Random questions behind one random beginning."""
    draw = random.Random(2)

    def ids(length: int) -> list[int]:
        return [draw.randrange(5, VOCABULARY) for _ in range(length)]

    begin = ids(shared)
    return [
        {
            "prompt": begin + ids(draw.randint(30, 90)),
            "continuations": [ids(draw.randint(1, 8) if choices > 1 else 1) for _ in range(choices)],
        }
        for _ in range(count)
    ]


def arm(name: str, model: Path, asked: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """{scores, seconds} of an arm."""
    file = folder / "questions.json"
    file.write_text(json.dumps(asked))
    command = [sys.executable, str(HERE / f"g6_{name}.py"), str(model), str(file), str(SIZE)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {told['seconds']:.2f} s for {len(asked)}", file=sys.stderr, flush=True)
    return told


def gate(stock: list[list[float]], temper: list[list[float]]) -> tuple[bool, str]:
    """Whether both arms found the same, and in words."""
    best = [a.index(max(a)) == b.index(max(b)) for a, b in zip(stock, temper, strict=True)]
    apart = max(
        abs(a - b) for one, two in zip(stock, temper, strict=True) for a, b in zip(one, two, strict=True)
    )
    told = f"{sum(best)} of {len(best)} likeliest choices equal, log-probabilities within {apart:.1e}"
    return all(best) and apart <= CLOSE, told
