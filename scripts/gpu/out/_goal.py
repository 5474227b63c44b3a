"""A goal of scripts/benchmarks as a step: its gate, its target, its figures."""

from __future__ import annotations

import importlib

from scripts.benchmarks.arms import FULL_PAIRS, QUICK_PAIRS
from scripts.gpu.bench import Bench, Found


def measured(module: str, bench: Bench) -> Found:
    """All parts of the goal; a quick run in a rehearsal."""
    found = Found()
    pairs = QUICK_PAIRS if bench.rehearse else FULL_PAIRS
    for part in importlib.import_module(f"scripts.benchmarks.{module}").measure(pairs):
        name, ratio = part["goal"], part["ratio"]
        found.gate(name, part["gate"]["passed"], part["gate"]["detail"])
        found.goal(name, ratio["median"], part["target"])
        told = {key: round(value, 3) for key, value in ratio.items()} | {"pairs": part["pairs"]}
        if part["control"]:
            told["control"] = round(part["control"]["median"], 3)
        found.figures[name] = told
    return found


def importable(module: str, why: str) -> Found:
    """A rehearsal of a goal that is too long for one: everything that it imports is here."""
    found = Found()
    importlib.import_module(f"scripts.benchmarks.{module}")
    found.gate("imports", True, why)
    return found
