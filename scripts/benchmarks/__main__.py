"""The main of `scripts/bench`: runs a goal, shows the equality gate before the figures, fails when it fails.

Knows no goal: `gNN.py` beside it measures.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.jobs import versions as installed
from scripts.benchmarks.arms import FULL_PAIRS, QUICK_PAIRS, Result, is_met

HERE = Path(__file__).resolve().parent
PACKAGES = [
    "click",
    "textual",
    "duckdb",
    "chromadb",
    "llama-cpp-python",
    "torch",
    "transformers",
    "trl",
    "peft",
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the goal that was asked for; 1 when its gate fails, 2 when there is no such goal."""
    goals = known_goals()
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure a goal as the ratio of two arms that run in turns."
    )
    parser.add_argument("goal", type=str.upper, choices=goals, help=", ".join(goals))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs instead of {FULL_PAIRS}")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")
    asked = parser.parse_args(arguments)
    report = measure(asked.goal, QUICK_PAIRS if asked.quick else FULL_PAIRS)
    print(json.dumps(report, indent=2) if asked.as_json else table(report))
    return 0 if report["gate"]["passed"] else 1


def known_goals() -> list[str]:
    """The goals that have a module here, in order."""
    names = [path.stem.upper() for path in HERE.glob("g*.py") if path.stem[1:].isdigit()]
    return sorted(names, key=lambda name: int(name[1:]))


def measure(goal: str, pairs: int) -> Result:
    """The goal's first result as the goal's own, all of them as `parts`, and what it ran on.

    The goal's gate holds when every part's does. The load is that before the start: it disturbs the figures.
    """
    load = os.getloadavg()
    module = importlib.import_module(f"scripts.benchmarks.{goal.lower()}")
    parts: list[Result] = []
    for part in module.measure(pairs):
        part["met"] = is_met(part["ratio"]["median"], part["target"])
        print(f"{gate_line(part)}\n{part['goal']}  {figures(part)}", file=sys.stderr)  # some take long
        parts.append(part)
    failed = [part for part in parts if not part["gate"]["passed"]]
    detail = "; ".join(f"{part['goal']}: {part['gate']['detail']}" for part in failed)
    return {
        **parts[0],
        "goal": goal,
        "gate": {"passed": False, "detail": detail} if failed else parts[0]["gate"],
        "parts": parts,
        "versions": versions(),
        "load_average": [round(value, 2) for value in load],
        "machine": machine(),
    }


def table(report: Result) -> str:
    """The report for people: gates, then figures, then what they were measured on."""
    parts: list[Result] = report["parts"]
    width = max(len(part["goal"]) for part in parts)
    load = " ".join(f"{value:.2f}" for value in report["load_average"])
    lines = [
        *(gate_line(part) for part in parts),
        "",
        f"{'':{width}}  {'median':>8}  {'min':>8}  {'max':>8}  {'control':>8}  pairs  target",
        *(f"{part['goal']:{width}}  {figures(part)}" for part in parts),
        "",
        f"on    {report['machine']}",
        f"with  {', '.join(f'{name} {version}' for name, version in report['versions'].items())}",
        f"load  {load} (means of 1, 5 and 15 minutes before the start)",
    ]
    return "\n".join(lines)


def gate_line(part: Result) -> str:
    """Whether both arms did the same work."""
    return (
        f"gate {'passed' if part['gate']['passed'] else 'FAILED'}  {part['goal']}: {part['gate']['detail']}"
    )


def figures(part: Result) -> str:
    """A part's row of the table."""
    numbers = [part["ratio"][name] for name in ("median", "min", "max")]
    numbers += [part["control"]["median"]] if part["control"] else []
    cells = [f"{number:8.3g}" for number in numbers] + [f"{'-':>8}"] * (4 - len(numbers))
    target = f"{part['target']} x {part['unit']}" if "unit" in part else part["target"]
    return "  ".join([*cells, f"{part['pairs']:5}", f"{target}: {'met' if part['met'] else 'MISSED'}"])


def versions() -> dict[str, str]:
    """Python and the packages that are measured, as far as they are installed."""
    return {"python": platform.python_version(), **installed.versions(PACKAGES)}


def machine() -> str:
    """Processor, usable cores and system in words."""
    return f"{processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named: Any = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
