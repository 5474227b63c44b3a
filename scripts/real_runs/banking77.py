"""BANKING77 on the embedded base: 10,003 support messages, 77 intents, answers as strict JSON.

The exported Q8_0 file is what is measured, against the base and against the most frequent answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.real_runs.commands import Commands

PROMPT = "Answer with the intent as JSON.\n"
SUITE = """\
name: banking
cases: {dataset: banking/heldout}
checks:
  - kind: json_schema
    schema: schemas/intent.json
  - kind: exact
"""
RECIPE = """\
objective = "sft"
method = "qlora"
base = "builtin:tiny"
dataset = "banking"
prompt = "prompts/intent.md"
max_steps = 1500
forgetting = ""
batch_size = 16
learning_rate = 2e-3
warmup_steps = 30
max_length = 256
checkpoint_every = 500
[lora]
rank = 32
alpha = 64
target = "all-linear"
"""


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Import, measure, train, export, measure. The gate: nothing dropped, and the export better than both."""
    source = data / "wallet" / "banking77"
    temper.run("init", temper.root, "--template", "blank")
    temper.write("prompts/intent.md", PROMPT)
    temper.write("evals/banking.yaml", SUITE)
    temper.write("evals/schemas/intent.json", json.dumps(schema(source)))
    temper.write("recipes/banking.toml", RECIPE)
    mapping = ("--map", "input=text", "--map", "answer=category", "--answer-json", "intent")
    imported = temper.run(
        "data", "import", source / "train.csv", "--as", "banking", *mapping, "--heldout", "0.1"
    )
    prompt = ("--prompt", "prompts/intent.md")
    temper.run("variants", "add", "base", "--replace", "--model", "builtin:tiny", *prompt)
    base = temper.run("eval", "banking", "--variant", "base")
    trained = temper.run("train", "recipes/banking.toml")
    exported = temper.run("export", "last", "--quant", "q8_0")
    temper.run("variants", "add", "tuned", "--inherits", "base", "--adapter", "last")
    tuned = temper.run("eval", "banking", "--variant", "tuned")
    before, after = base["variants"][0], tuned["variants"][0]
    majority = tuned["baselines"]["majority"]
    return {
        "passed": not imported["dropped"]
        and exported["ship_check"]["verdict"] != "BLOCK"
        and after["score"] > max(before["score"], majority["score"]),
        "rows": f"{imported['rows_kept']} of {imported['rows_in']}, {imported['splits']}",
        "base": described(before),
        "majority": described(majority),
        "tuned, q8_0": described(after),
        "ship check": exported["ship_check"]["verdict"],
        "training": trained["metrics"],
    }


def schema(source: Path) -> dict[str, Any]:
    """An object with one intent out of the set's own list."""
    names = json.loads((source / "categories.json").read_text(encoding="utf-8"))
    return {
        "type": "object",
        "properties": {"intent": {"enum": names}},
        "required": ["intent"],
        "additionalProperties": False,
    }


def described(score: dict[str, Any]) -> str:
    """Accuracy with its standard error, and the share of valid answers."""
    valid = score["checks"]["json_schema"]
    return f"{score['score']:.1%} ± {score['stderr']:.1%} of {score['n']}, schema-valid {valid:.1%}"
