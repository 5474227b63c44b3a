"""The stock arm of G6: `logits_all=True`, each choice behind its prompt evaluated whole.

Usage: g6_stock.py MODEL QUESTIONS.json SIZE. Prints {scores, seconds}: the log-probability of every choice.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from llama_cpp import Llama

model, questions, size = sys.argv[1:]
cores = len(os.sched_getaffinity(0))
llama = Llama(model, n_ctx=int(size), n_threads=cores, n_threads_batch=cores, logits_all=True, verbose=False)
asked = json.loads(Path(questions).read_text())
scores: list[list[float]] = []
begin = time.perf_counter()
for question in asked:
    scores.append([])
    for choice in question["continuations"]:
        ids = [*question["prompt"], *choice]
        llama.reset()  # type: ignore[no-untyped-call]  # llama_cpp has no types
        llama.eval(ids)
        first = len(question["prompt"]) - 1
        rows = llama.scores[first : first + len(choice)]
        logprobs = Llama.logits_to_logprobs(np.asarray(rows))
        scores[-1].append(float(sum(logprobs[at, token] for at, token in enumerate(choice))))
seconds = time.perf_counter() - begin
print(json.dumps({"scores": scores, "seconds": seconds}))
