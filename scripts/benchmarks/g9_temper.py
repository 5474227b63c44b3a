"""Temper's arm of G9: the prompt through the scheduler, text taken at every step as a chat takes it.

Usage and output as g9_stock.py, the bytes those of the text; time runs from the first token on.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from engine.inference.generate import Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from store.records.workspace import Sampling

model = Model(Path(sys.argv[1]))
ids, tokens, size = json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]), int(sys.argv[4])
scheduler = Scheduler(model, size)
answer = scheduler.submit(Request(ids, Sampling(max_tokens=tokens), stops=["no such text"]))
while not answer.ids:
    scheduler.step()
pieces = [answer.take()]
begin = time.perf_counter()
while answer.finish_reason is None:
    scheduler.step()
    pieces.append(answer.take())
seconds = time.perf_counter() - begin
print(json.dumps({"text": "".join(pieces).encode().hex(), "seconds": seconds, "tokens": len(answer.ids)}))
