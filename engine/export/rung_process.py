"""Measures one GGUF in a process of its own: `python -P -m engine.export.rung_process TASK_JSON RESULT_JSON`

A process per file, because the most memory that a process has had cannot be set back.
"""

from __future__ import annotations

import ctypes
import math
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import msgspec
import numpy as np

from engine import offline
from engine.inference.llama import Context, Model
from store.records.ladders import Measurement, RungTask

WRITTEN = 32
"""Tokens per answer: enough to time, and to see whether the answer is another."""
SCORED = 2_000
"""Most tokens of rows' answers: their mean then has a standard error of about a fortieth of its spread."""


def measure(task: RungTask) -> Measurement:
    """Load the file, answer the prompts, score the answers."""
    before = most_memory()
    begin = time.perf_counter()
    model = Model(Path(task.file))
    prompts = [*task.prompts, *(prompt + answer for prompt, answer in task.answers)]
    context = Context(model, max(map(len, prompts), default=8) + WRITTEN + 1)
    loaded = time.perf_counter() - begin
    written, seconds = [], 0.0
    for prompt in task.prompts:
        ids, took = write(context, prompt)
        written.append(ids)
        seconds += took
    scores = score(context, task.answers)
    weights = llama_cpp.llama_model_size(model.handle) if model.on_gpu else 0
    memory = most_memory() - before + weights
    stops = model.stop_ids
    context.close()
    model.close()
    count = sum(map(len, written))
    return Measurement(
        load_seconds=loaded,
        tokens_per_second=count / seconds if seconds else 0.0,
        memory_bytes=memory,
        written=[up_to_stop(ids, stops) for ids in written],
        positions=len(scores),
        perplexity=math.exp(-sum(scores) / len(scores)) if scores else None,
    )


def write(context: Context, prompt: Sequence[int]) -> tuple[list[int], float]:
    """WRITTEN likeliest tokens, past any end of the answer, and the seconds they took without reading."""
    context.clear()
    context.read(prompt)
    begin = time.perf_counter()
    ids: list[int] = []
    for _ in range(WRITTEN):
        ids.append(int(context.logits.argmax()))
        context.append(ids[-1])
    return ids, time.perf_counter() - begin


def score(context: Context, answers: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    """The log-likelihood in nats of every token of the answers, at most SCORED."""
    found: list[float] = []
    for prompt, answer in answers:
        if not prompt or len(found) + len(answer) > SCORED:
            continue
        context.clear()
        context.read(prompt)
        for token in answer:
            logits = context.logits.astype(np.float64)
            highest = logits.max()
            found.append(float(logits[token] - highest - np.log(np.exp(logits - highest).sum())))
            context.append(token)
    return found


def up_to_stop(ids: list[int], stops: frozenset[int]) -> list[int]:
    """An answer without what was written past its end."""
    end = next((at + 1 for at, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]


def die_with_parent() -> None:
    """A measurement whose export was killed is of no use to anybody."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2)


def most_memory() -> int:
    """The most bytes of main memory that this process has had."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # ru_maxrss of Linux begins with what the parent had when it forked; this does not (proc(5))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    die_with_parent()
    offline.guard()
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RungTask)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(measure(asked)))
