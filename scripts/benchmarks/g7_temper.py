"""Temper's arm of G7: the same prompts through the scheduler. Usage and output as g7_stock.py.

With `log` as a fifth argument every answer is written to a file as evals write their results, and {writing,
bytes} are printed too: the seconds that took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from engine.evals.stored import Results
from engine.inference.generate import Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from store.records.data import Message
from store.records.evals import CaseResult, CheckResult
from store.records.events import Progress
from store.records.workspace import Sampling
from store.runs import EventWriter, RunFolder


class Written:
    """A run's results and events, and the seconds that writing them took."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = RunFolder(folder)
        self._results = stack.enter_context(Results(self._folder.results))
        self._events = EventWriter(self._folder)
        stack.callback(self._events.close)
        self.seconds = 0.0

    def add(self, case: int, prompt: list[int], output: str) -> None:
        """One case is done."""
        begin = time.perf_counter()
        told = " ".join(map(str, prompt))
        checks = [CheckResult("exact", False, 0.0, "another text")]
        result = CaseResult("suite", "base", f"c{case}", told, output, False, 0.0, checks)
        result.messages, result.prompt = [Message("user", told)], told
        self._results.append(result)
        self._events.emit(Progress(phase="asking", done=case, total=16))
        self.seconds += time.perf_counter() - begin

    @property
    def size(self) -> int:
        """Bytes of both files."""
        return self._folder.results.stat().st_size + self._folder.events.stat().st_size


def main(model_path: str, prompts: str, most: str, size: str, log: str = "") -> None:
    """Answer all, print what came and how long it took."""
    model = Model(Path(model_path))
    scheduler = Scheduler(model, int(size))
    sampling = Sampling(max_tokens=int(most))
    asked = json.loads(Path(prompts).read_text())
    scheduler.finish(scheduler.submit(Request(asked[0], Sampling(max_tokens=2))))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        written = Written(folder, stack) if log else None
        begin = time.perf_counter()
        answers = [scheduler.submit(Request(ids, sampling)) for ids in asked]
        texts = [""] * len(asked)
        while scheduler.busy:
            for answer in scheduler.step():
                place = answers.index(answer)
                texts[place] += answer.take()
                if written is not None and answer.finish_reason is not None:
                    written.add(place, asked[place], texts[place])
        told = {"texts": texts, "seconds": time.perf_counter() - begin}
        if written is not None:
            told |= {"writing": written.seconds, "bytes": written.size}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
