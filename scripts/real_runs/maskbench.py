"""Real JSON Schemas with valid and invalid instances: enforced, refused by name, and wrong.

A schema counts as enforced where the grammar itself follows all of it: nothing is relaxed. Each instance is
put to the grammar (could it have been written?) and to the judgement of whole answers (would it be
returned?); an answer gets through only past both. A grammar writes the keys of an object in the order of its
schema, so a valid instance in another order counts as rejected here.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import Structure, schema_structure
from scripts.real_runs.commands import Commands
from store.errors import TemperError

FILE = Path("instruct/maskbench/maskbench_dev.jsonl")
LEAST_ENFORCED, MOST_REJECTED = 0.94, 0.005


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Compile every schema and judge every instance. The gate: the bounds of the Proof issue."""
    lines = (data / FILE).read_text(encoding="utf-8").splitlines()
    counts: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    milliseconds, wrong = list[float](), list[str]()
    for row in map(json.loads, lines):
        begin = time.perf_counter()
        try:
            structure = schema_structure(row["schema"])
        except SchemaRefused as error:
            refusals[error.keyword] += 1
            continue
        finally:
            milliseconds.append((time.perf_counter() - begin) * 1000)
        counts["enforced"] += 1
        for test in row["tests"]:
            verdict = judge(structure, test["data"], test["valid"])
            counts[verdict] += 1
            if verdict not in ("valid, taken", "invalid, stopped by the grammar"):
                wrong.append(f"{row['id']}: {verdict}")
    return figures(len(lines), counts, refusals, milliseconds, wrong)


def judge(structure: Structure, value: Any, valid: bool) -> str:
    """What becomes of an instance, in words."""
    text = json.dumps(value, ensure_ascii=False)
    written, returned = follows(structure, text), structure.problem(text) == ""
    if not valid:
        through = "LET THROUGH" if written and returned else "stopped by the judgement alone"
        return "invalid, stopped by the grammar" if not written else f"invalid, {through}"
    if written and returned:
        return "valid, taken"
    return "valid, rejected by the grammar" if returned else "valid, rejected by the judgement"


def follows(structure: Structure, text: str) -> bool:
    """Whether the grammar could have written `text`; one that gives up could not."""
    try:
        return structure.follows(text)
    except TemperError:
        return False


def figures(
    schemas: int, counts: Counter[str], refusals: Counter[str], milliseconds: list[float], wrong: list[str]
) -> dict[str, Any]:
    """The report, and whether the bounds hold."""
    enforced = counts["enforced"] / schemas
    rejected = sum(count for verdict, count in counts.items() if verdict.startswith("valid, rejected"))
    valid = rejected + counts["valid, taken"]
    through = counts["invalid, LET THROUGH"]
    milliseconds.sort()
    return {
        "passed": enforced >= LEAST_ENFORCED and rejected <= MOST_REJECTED * valid and not through,
        "schemas": schemas,
        "enforced by the grammar": f"{counts['enforced']} ({enforced:.1%})",
        "refused by name": dict(refusals.most_common()),
        "instances": {name: count for name, count in sorted(counts.items()) if name != "enforced"},
        "invalid let through": through,
        "valid rejected": f"{rejected} of {valid} ({rejected / max(valid, 1):.2%})",
        "wrong": wrong[:20],
        "compile, ms": f"median {milliseconds[len(milliseconds) // 2]:.1f}, most {milliseconds[-1]:.0f}",
    }
