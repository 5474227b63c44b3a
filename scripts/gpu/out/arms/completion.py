"""llama-cpp-python as it documents itself, all layers on the card: one completion after the other.

Usage: completion.py MODEL PROMPTS.json MAX_TOKENS SIZE. Prints {tokens, seconds}; loading is not timed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from llama_cpp import Llama

model, prompts, most, size = sys.argv[1:]
llama = Llama(model, n_ctx=int(size), n_gpu_layers=-1, verbose=False)
asked = json.loads(Path(prompts).read_text())
ends = {token: -1e9 for token in (llama.token_eos(), llama._model.token_eot()) if token >= 0}
llama.create_completion(asked[0], max_tokens=2, temperature=0)
begin, tokens = time.perf_counter(), 0
for one in asked:
    done = llama.create_completion(one, max_tokens=int(most), temperature=0, logit_bias=ends)
    assert isinstance(done, dict)
    tokens += done["usage"]["completion_tokens"]
print(json.dumps({"tokens": tokens, "seconds": time.perf_counter() - begin}))
