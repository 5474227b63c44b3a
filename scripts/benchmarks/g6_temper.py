"""Temper's arm of G6. Usage and output as g6_stock.py."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import msgspec

from engine.inference.choices import ChoiceScorer, Question
from engine.inference.llama import Model

model = Model(Path(sys.argv[1]))
scorer = ChoiceScorer(model, int(sys.argv[3]))
asked = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[Question])
begin = time.perf_counter()
scores = [[float(one.sum()) for one in found] for found in scorer.scores(asked)]
seconds = time.perf_counter() - begin
print(json.dumps({"scores": scores, "seconds": seconds}))
