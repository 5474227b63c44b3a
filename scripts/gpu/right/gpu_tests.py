"""Do the tests marked `gpu` pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.gpu.bench import Bench, Found
from scripts.gpu.plan import ROOT

MINUTES = 1.5
SETTINGS = Path(__file__).resolve().parents[1] / "pytest.ini"


def run(bench: Bench) -> Found:
    """pytest in a process of its own, under settings that bear other versions' warnings."""
    options = ["-c", str(SETTINGS), f"--rootdir={ROOT}", f"--confcutdir={ROOT}", "-p", "no:cacheprovider"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "gpu",
        "-q",
        "-ra",
        *options,
        str(ROOT / "tests" / "gpu"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, done.stderr, file=sys.stderr)
    lines = done.stdout.strip().splitlines() or ["pytest said nothing"]
    found = Found()
    ran = bench.rehearse or " passed" in lines[-1]  # all skipped is no proof on a card
    found.gate("tests", done.returncode == 0 and ran, lines[-1].strip("= "))
    found.figures["said"] = [line for line in lines if line.startswith(("FAILED", "ERROR", "SKIPPED"))]
    return found
