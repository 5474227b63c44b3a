"""G7, generation for evals: tokens a second of many answers at once, against one `create_completion` after
the other. A random Llama of 160M with a vocabulary of 128,000.

Q8_0      the goal: 16 prompts of 20 to 120 tokens, 256 tokens each, none ended early
control   one prompt alone: batching cannot help
few       four of the prompts at once: never slower than one after the other
logging   the same answers with every result and its progress written as an eval run writes them: 1 and the
          share of the run spent writing. Its control are seconds of a run with over one without, in turns
Gate: on the f32 model the same greedy text of every prompt; on Q8_0 of 99% of them, the others only where the
two best scores are within 1e-3. Bytes that are no text are left out by the stock library and are here too.
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
SIZE, TOKENS, GATE_TOKENS, FEW = 1024, 256, 64, 4
NEAR_TIE, EQUAL_SHARE = 1e-3, 0.99


def measure(pairs: int) -> Iterator[Result]:
    """The goal first, then a few at once, then what logging costs."""
    full = pairs >= FULL_PAIRS
    models = random_llama()
    with tempfile.TemporaryDirectory() as scratch:
        arms = Arms(Path(scratch), prompts(16))
        passed, detail = arms.gate(models, 16)
        pairs = 5 if full else 3
        q8 = models["q8_0"]
        runs = [
            (arms.run("stock", q8), arms.run("temper", q8), arms.run("temper", q8, log=True))
            for _ in range(pairs)
        ]
        same = sum(a == b for a, b in zip(runs[0][0]["texts"], runs[0][1]["texts"], strict=True))
        detail += f"; {same} of {len(arms.asked)} of the measured ones equal"
        control = [arms.run(arm, q8, count=1)["seconds"] for arm in ("stock", "temper")]
        few = [[arms.run(arm, q8, count=FEW)["seconds"] for arm in ("stock", "temper")] for _ in range(3)]
        yield result(
            "G7 Q8_0",
            [stock["seconds"] / temper["seconds"] for stock, temper, _ in runs],
            target=">= 1.8",
            passed=passed,
            detail=detail,
            control=[control[0] / control[1]],
        )
        yield result(
            f"G7 {FEW} at once",
            [stock / temper for stock, temper in few],
            target=">= 1",
            passed=passed,
            detail=detail,
        )
        yield result(
            "G7 logging",
            [1 + log["writing"] / (log["seconds"] - log["writing"]) for _, _, log in runs],
            target="<= 1.02",
            passed=passed,
            detail=f"{runs[0][2]['bytes']:,} bytes written",
            control=[log["seconds"] / temper["seconds"] for _, temper, log in runs],
        )


def prompts(count: int) -> list[list[int]]:
    """Random prompts of random lengths; no two begin the same way."""
    draw = random.Random(0)
    return [[draw.randrange(5, VOCABULARY) for _ in range(draw.randint(20, 120))] for _ in range(count)]


class Arms:
    """Both arms on the same prompts, each a process of its own."""

    def __init__(self, folder: Path, asked: list[list[int]]) -> None:
        self.folder = folder
        self.asked = asked

    def run(
        self, arm: str, model: Path, *, count: int = 0, tokens: int = TOKENS, log: bool = False
    ) -> dict[str, Any]:
        """{texts, seconds} of an arm on the first `count` prompts (0: all)."""
        file = self.folder / "prompts.json"
        file.write_text(json.dumps(self.asked[: count or None]))
        command = [sys.executable, str(HERE / f"g7_{arm}.py"), str(model), str(file), str(tokens), str(SIZE)]
        command += ["log"] if log else []
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        told["texts"] = [text.replace("\ufffd", "") for text in told["texts"]]
        print(f"{arm} {model.stem}: {told['seconds']:.1f} s", file=sys.stderr, flush=True)
        return told

    def gate(self, models: dict[str, Path], count: int) -> tuple[bool, str]:
        """Whether both arms write the same, and in words."""
        details, passed = [], True
        for kind, model in models.items():
            stock, temper = (
                self.run(arm, model, count=count, tokens=GATE_TOKENS)["texts"] for arm in ("stock", "temper")
            )
            differing = [at for at, (a, b) in enumerate(zip(stock, temper, strict=True)) if a != b]
            gaps = [gap(model, self.asked[at], GATE_TOKENS) for at in differing]
            share = 1 - len(differing) / count
            passed &= (
                not differing if kind == "f32" else share >= EQUAL_SHARE and max(gaps, default=0) <= NEAR_TIE
            )
            told = f", least gaps of those that differ {gaps}" if gaps else ""
            details.append(f"{kind}: {count - len(differing)} of {count} texts equal{told}")
        return passed, "; ".join(details)


def gap(model_path: Path, prompt: list[int], tokens: int) -> float:
    """The smallest distance of the two best scores along an answer, computed one token at a time."""
    import numpy as np

    from engine.inference.llama import Context, Model

    model = Model(model_path)
    context, least = Context(model, SIZE), float("inf")
    context.read(prompt)
    for _ in range(tokens):
        scores = context.logits
        second, best = np.partition(scores, -2)[-2:]
        least = min(least, float(best - second))
        context.append(int(scores.argmax()))
    context.close()
    model.close()
    return least
