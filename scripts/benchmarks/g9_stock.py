"""The bare arm of G9: a loop over the low-level calls that greedy generation cannot do without.

Usage: g9_stock.py MODEL PROMPT.json TOKENS SIZE. Prints {text, seconds}, hex of the bytes; reading the prompt
is not timed.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from pathlib import Path

import llama_cpp
import numpy as np

model_path, prompt, tokens, size = sys.argv[1:]
llama_cpp.llama_backend_init()
model = llama_cpp.llama_model_load_from_file(model_path.encode(), llama_cpp.llama_model_default_params())
vocab = llama_cpp.llama_model_get_vocab(model)
words = llama_cpp.llama_vocab_n_tokens(vocab)
parameters = llama_cpp.llama_context_default_params()
parameters.n_ctx = int(size)
parameters.n_threads = parameters.n_threads_batch = len(os.sched_getaffinity(0))
if not llama_cpp.llama_supports_gpu_offload():  # as Temper has it: on the processor it turns near ties
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
context = llama_cpp.llama_init_from_model(model, parameters)
ids = json.loads(Path(prompt).read_text())
one = (llama_cpp.llama_token * 1)()
batch = llama_cpp.llama_batch_get_one(one, 1)
piece = ctypes.create_string_buffer(256)
read = (llama_cpp.llama_token * len(ids))(*ids)
llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(read, len(ids)))
written = []
begin = time.perf_counter()
for _ in range(int(tokens)):
    row = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), (words,))
    one[0] = int(row.argmax())
    length = llama_cpp.llama_token_to_piece(vocab, one[0], piece, 256, 0, False)
    written.append(piece.raw[:length])
    llama_cpp.llama_decode(context, batch)
seconds = time.perf_counter() - begin
print(json.dumps({"text": b"".join(written).hex(), "seconds": seconds}))
