"""Answering prompts on the random Llama of 160M, on the card or on the processor, many at once or not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.inference.generate import Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from scripts.gpu.plan import HERE, ROOT
from store.records.workspace import Sampling

SIZE = 1024


@dataclass
class Answers:
    """What was written for each prompt, and how fast."""

    ids: list[list[int]]
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Of all answers together."""
        return sum(map(len, self.ids)) / self.seconds


def prompts(count: int, vocabulary: int) -> list[list[int]]:
    """Random prompts of 20 to 120 tokens; no two begin the same way."""
    draw = random.Random(0)
    return [[draw.randrange(5, vocabulary) for _ in range(draw.randint(20, 120))] for _ in range(count)]


def answer(file: Path, asked: list[list[int]], tokens: int, parallel: int, gpu: bool = True) -> Answers:
    """Greedy answers of `tokens` tokens, `parallel` at once; loading and a first answer are not timed."""
    model = Model(file, gpu=gpu)
    scheduler = Scheduler(model, SIZE, parallel=parallel)
    ends = dict.fromkeys(model.stop_ids, -1e9)  # none is to end early
    scheduler.finish(scheduler.submit(Request(asked[0], Sampling(max_tokens=2))))
    begin = time.perf_counter()
    answers = [scheduler.submit(Request(ids, Sampling(max_tokens=tokens), bias=ends)) for ids in asked]
    while scheduler.busy:
        scheduler.step()
    seconds = time.perf_counter() - begin
    found = [list(one.ids) for one in answers]
    scheduler.close()
    model.close()
    return Answers(found, seconds)


def stock(file: Path, asked: list[list[int]], tokens: int, folder: Path) -> dict[str, Any]:
    """The stock library's, one after the other: {tokens, seconds}."""
    given = folder / "prompts.json"
    given.write_text(json.dumps(asked), encoding="utf-8")
    script = HERE / "out" / "arms" / "completion.py"
    environment = os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    done = subprocess.run(
        [sys.executable, str(script), str(file), str(given), str(tokens), str(SIZE)],
        check=True, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def gap(file: Path, ids: list[int], gpu: bool) -> float:
    """How far the two best scores behind `ids` are apart, computed one token at a time."""
    import numpy as np

    from engine.inference.llama import Context

    model = Model(file, gpu=gpu)
    context = Context(model, SIZE)
    context.read(ids)
    second, best = np.partition(context.logits, -2)[-2:]
    context.close()
    model.close()
    return float(best - second)
