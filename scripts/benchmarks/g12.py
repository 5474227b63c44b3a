"""G12, the first frame and the screen's answers: three goals, each as a ratio of two arms or against a bound.

    python scripts/benchmarks/g12.py [--quick]     all of them, as JSON lines

first frame   the terminal UI against an empty Textual app (1.6x), and eager imports against it (12x)
help          `temper --help` against `import click` (1.5x), with neither textual nor torch imported
attach        a run with 20,000 events: worst key press under 100 ms, no event-loop gap over 50 ms
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MARK = base64.b64encode(b"PAINTED")
HELP = "from app.cli.main import main; main()"
HEAVY = ("textual", "torch", "transformers", "duckdb", "chromadb", "llama_cpp", "httpx", "numpy")

Arm = Callable[[], float]


def painted(command: list[str]) -> float:
    """Seconds from starting `command` on a terminal of 120 x 40 to its first frame."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
    begin, seen, at = time.perf_counter(), b"", 0.0
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not data:
            break
        seen += data
        if not at and MARK in seen:
            at = time.perf_counter() - begin
    process.wait()
    os.close(ours)
    if not at:
        raise RuntimeError(f"no frame came from {command}: {seen[-2000:].decode(errors='replace')}")
    return at


def timed(command: list[str]) -> float:
    """Seconds that `command` takes."""
    begin = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin


def ratios(numerator: Arm, denominator: Arm, pairs: int) -> list[float]:
    """A over B, alternating A B A B; one pair before to warm the page cache."""
    numerator(), denominator()
    return [numerator() / denominator() for _ in range(pairs)]


def summary(values: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def first_frame(pairs: int) -> list[dict[str, Any]]:
    """Against an empty app, and eager imports against it; the control is the empty app against itself."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "temper.toml").write_text('[models.tiny]\npath = "builtin:tiny"\n', encoding="utf-8")
        temper = [sys.executable, str(HERE / "g12_temper_app.py"), folder]

        def empty() -> float:
            return painted([sys.executable, str(HERE / "g12_empty_app.py")])

        def lazy() -> float:
            return painted([*temper, str(root / "lazy.svg")])

        def eager() -> float:
            return painted([*temper, str(root / "eager.svg"), "eager"])

        against_empty, control = ratios(lazy, empty, pairs), ratios(empty, empty, pairs)
        against_eager = ratios(eager, lazy, max(2, pairs // 2))
        same = screen(root / "lazy.svg") == screen(root / "eager.svg")
    gate = {"passed": same, "detail": "the first screen of the lazy and the eager arm, compared as text"}
    shared = {"gate": gate, "control": summary(control)}
    return [
        {
            "goal": "G12 first frame",
            "ratio": summary(against_empty),
            "pairs": pairs,
            "target": "<= 1.6",
            **shared,
        },
        {
            "goal": "G12 eager",
            "ratio": summary(against_eager),
            "pairs": len(against_eager),
            "target": ">= 12",
            **shared,
        },
    ]


def screen(picture: Path) -> list[str]:
    """The texts of an exported screen, in order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8"))


def command_help(pairs: int) -> dict[str, Any]:
    """`temper --help` against `import click`; the gate looks at what was imported."""
    ask = f"import sys; sys.argv = ['temper', '--help']; {HELP}"
    check = (
        "import sys, atexit; sys.argv = ['temper', '--help'];"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)); {HELP}"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, env=environment
    )
    heavy = told.stderr.strip()

    def helped() -> float:
        return timed([sys.executable, "-c", ask])

    def click() -> float:
        return timed([sys.executable, "-c", "import click"])

    return {
        "goal": "G12 help",
        "ratio": summary(ratios(helped, click, pairs)),
        "pairs": pairs,
        "gate": {
            "passed": heavy == "[]" and "demo" in told.stdout,
            "detail": f"heavy modules imported: {heavy}",
        },
        "control": summary(ratios(click, click, pairs)),
        "target": "<= 1.5",
    }


def attach(pairs: int) -> dict[str, Any]:
    """The worst of `pairs` sessions; the control is a run with 20 events."""

    def session(events: int) -> dict[str, float]:
        command = [sys.executable, str(HERE / "g12_attach.py"), str(events)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        measured: dict[str, float] = json.loads(out)
        return measured

    sessions, few = [session(20_000) for _ in range(pairs)], [session(20) for _ in range(pairs)]
    keys, gaps = [one["worst_key_ms"] for one in sessions], [one["longest_gap_ms"] for one in sessions]
    return {
        "goal": "G12 attach",
        "ratio": summary([key / 100 for key in keys]),
        "worst_key_ms": summary(keys),
        "longest_gap_ms": summary(gaps),
        "pairs": pairs,
        "gate": {
            "passed": all(one["steps"] == 20_000 for one in sessions),
            "detail": "all 20,000 steps are shown",
        },
        "control": summary([one["worst_key_ms"] / 100 for one in few]),
        "target": "worst key <= 100 ms (ratio <= 1), gap <= 50 ms",
    }


def main() -> None:
    """All goals, one JSON object a line."""
    pairs = 3 if "--quick" in sys.argv else 7
    for result in [*first_frame(pairs), command_help(pairs), attach(max(3, pairs // 2))]:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
