"""Temper's arm of G7: the same prompts through the scheduler. Usage and output as g7_stock.py; with `log`
as a fifth argument every answer is written to a file as evals write their results.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from engine.inference.generate import Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from store.records.workspace import Sampling


def main(model_path: str, prompts: str, most: str, size: str, log: str = "") -> None:
    """Answer all, print what came and how long it took."""
    model = Model(Path(model_path))
    scheduler = Scheduler(model, int(size))
    sampling = Sampling(max_tokens=int(most))
    asked = json.loads(Path(prompts).read_text())
    scheduler.finish(scheduler.submit(Request(asked[0], Sampling(max_tokens=2))))
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile()) if log else None
        begin = time.perf_counter()
        answers = [scheduler.submit(Request(ids, sampling)) for ids in asked]
        texts = [""] * len(asked)
        while scheduler.busy:
            for answer in scheduler.step():
                place = answers.index(answer)
                texts[place] += answer.take()
                if file is not None and answer.finish_reason is not None:
                    file.write(json.dumps({"case": place, "output": texts[place]}).encode() + b"\n")
                    file.flush()
        seconds = time.perf_counter() - begin
    print(json.dumps({"texts": texts, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
