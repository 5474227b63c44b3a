"""The stock arm of G7, as llama-cpp-python documents it: one completion after the other.

Usage: g7_stock.py MODEL PROMPTS.json MAX_TOKENS SIZE. Prints {texts, seconds}; loading is not timed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from llama_cpp import Llama

model, prompts, most, size = sys.argv[1:]
cores = len(os.sched_getaffinity(0))
llama = Llama(model, n_ctx=int(size), n_threads=cores, n_threads_batch=cores, verbose=False)
asked = json.loads(Path(prompts).read_text())
llama.create_completion(asked[0], max_tokens=2, temperature=0)
begin, texts = time.perf_counter(), []
for one in asked:
    done = llama.create_completion(one, max_tokens=int(most), temperature=0)
    assert isinstance(done, dict)
    texts.append(done["choices"][0]["text"])
seconds = time.perf_counter() - begin
print(json.dumps({"texts": texts, "seconds": seconds}))
