"""The main of `scripts/real_input`: one run in a workspace of its own, its commands and figures on stdout."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from scripts.real_runs import (
    advisor,
    banking77,
    chunking,
    complaints,
    coverage,
    ifeval,
    importers,
    maskbench,
    pii,
    planted,
    retrieval,
    scorers,
    stories260k,
    support,
    tokenizers,
)
from scripts.real_runs.commands import Commands, shared_data, versions

RUNS = {
    "advisor": advisor.run,
    "banking77": banking77.run,
    "chunking": chunking.run,
    "complaints": complaints.run,
    "coverage": coverage.run,
    "ifeval": ifeval.run,
    "importers": importers.run,
    "maskbench": maskbench.run,
    "pii": pii.run,
    "planted": planted.run,
    "retrieval": retrieval.run,
    "scorers": scorers.run,
    "stories260k": stories260k.run,
    "support": support.run,
    "tokenizers": tokenizers.run,
}
WITHOUT_DATA = {"advisor", "complaints", "coverage"}
"""Runs on simulated numbers or on what Temper brings along."""


def main() -> int:
    """Run it and print the figures; 1 when its gate fails."""
    parser = argparse.ArgumentParser(prog="scripts/real_input")
    parser.add_argument("name", choices=RUNS)
    parser.add_argument("--dir", type=Path, help="keep the workspace in this new folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    data = shared_data()
    if data is None and chosen.name not in WITHOUT_DATA:
        print("The data is not there: set TEMPER_SHARED_DATA to its folder.", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as scratch:
        root = chosen.dir.resolve() if chosen.dir else Path(scratch) / chosen.name
        commands, begin = Commands(root), time.monotonic()
        figures = RUNS[chosen.name](commands, data or Path())
        figures |= {"seconds": round(time.monotonic() - begin), "versions": versions()}
    if chosen.json:
        print(json.dumps({"commands": commands.said, **figures}, indent=2))
    else:
        print("\n".join(["", *commands.said, ""]))
        width = max(map(len, figures)) + 2
        for name, value in figures.items():
            print(f"{name:<{width}}{value}")
    return 0 if figures["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
