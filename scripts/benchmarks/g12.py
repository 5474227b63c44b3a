"""G12, the first frame and the screen's answers, each as a ratio of two arms or against a bound.

eager         eager imports against the terminal UI (12x): the goal itself
first frame   the terminal UI against an empty Textual app (1.6x)
help          `temper --help` against `import click` (1.5x), with neither textual nor torch imported
keys, gaps    attaching to a run with 20,000 events: worst key press (100 ms), longest event-loop gap (50 ms)
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
from pathlib import Path
from typing import Any

from scripts.benchmarks.arms import ROOT, Result, ratios, result, timed

HERE = Path(__file__).resolve().parent
MARK = base64.b64encode(b"PAINTED")
HELP = "from app.cli.main import main; main()"
HEAVY = ("textual", "torch", "transformers", "duckdb", "chromadb", "llama_cpp", "httpx", "numpy")
KEY_BOUND_MS = 100.0
GAP_BOUND_MS = 50.0
EVENTS = 20_000


def painted(command: list[str], runtime: str) -> float:
    """Seconds from starting `command` on a terminal of 120 x 40 to its first frame."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    settings = environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    settings["TEMPER_RUNTIME_DIR"] = runtime  # another run in the GPU queue would be on the screen
    begin, seen, at = time.perf_counter(), b"", 0.0
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
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


def measure(pairs: int) -> list[Result]:
    """All of G12; the goal itself first."""
    return [*first_frame(pairs), command_help(pairs), *attach(max(5, pairs // 2))]


def first_frame(pairs: int) -> list[Result]:
    """Eager imports against lazy ones, those against an empty app; the control is that app against itself."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "temper.toml").write_text('[models.tiny]\npath = "builtin:tiny"\n', encoding="utf-8")
        temper = [sys.executable, str(HERE / "g12_temper_app.py"), folder]

        def empty() -> float:
            return painted([sys.executable, str(HERE / "g12_empty_app.py")], folder)

        def lazy() -> float:
            return painted([*temper, str(root / "lazy.svg")], folder)

        def eager() -> float:
            return painted([*temper, str(root / "eager.svg"), "eager"], folder)

        against_eager = ratios(eager, lazy, pairs)
        against_empty, control = ratios(lazy, empty, pairs), ratios(empty, empty, pairs)
        differing = set(screen(root / "lazy.svg")) ^ set(screen(root / "eager.svg"))
    detail = "lazy and eager paint the same first screen" + (f", but for {differing}" if differing else "")
    shared: dict[str, Any] = {"passed": not differing, "detail": detail, "control": control}
    return [
        result("G12 eager", against_eager, target=">= 12", **shared),
        result("G12 first frame", against_empty, target="<= 1.6", **shared),
    ]


def screen(picture: Path) -> list[str]:
    """The texts of an exported screen, but for how much memory and disk is free and its bars: they move."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8"))
    return [re.sub(r"[\d.]+(&#160;\w+&#160;free)", r"N\1", text) for text in texts if text.strip("━╸╺")]


def command_help(pairs: int) -> Result:
    """`temper --help` against `import click`; the gate looks at what was imported."""
    ask = f"import sys; sys.argv = ['temper', '--help']; {HELP}"
    look = f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    check = f"import atexit, sys; sys.argv = ['temper', '--help']; atexit.register(lambda: {look}); {HELP}"
    told = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, env=environment()
    )
    heavy = told.stderr.strip()

    def helped() -> float:
        return timed([sys.executable, "-c", ask], environment())

    def click() -> float:
        return timed([sys.executable, "-c", "import click"], environment())

    return result(
        "G12 help",
        ratios(helped, click, pairs),
        target="<= 1.5",
        passed=heavy == "[]" and "demo" in told.stdout,
        detail=f"heavy modules imported: {heavy}",
        control=ratios(click, click, pairs),
    )


def attach(pairs: int) -> list[Result]:
    """Keys and gaps of `pairs` sessions against their bounds; the control is a run with 20 events."""
    many, few = [], []
    for _ in range(pairs):
        many.append(session(EVENTS))
        few.append(session(20))
    shown = [one["steps"] for one in many]
    gate: dict[str, Any] = {
        "passed": all(steps == EVENTS for steps in shown),
        "detail": f"{min(shown):,.0f} of {EVENTS:,} steps are shown",
    }

    def against(field: str, bound: float, sessions: list[dict[str, float]]) -> list[float]:
        return [one[field] / bound for one in sessions]

    return [
        result(
            f"G12 {name}",
            against(field, bound, many),
            target="<= 1",
            control=against(field, bound, few),
            unit=f"{bound:.0f} ms",
            **gate,
        )
        for name, field, bound in (
            ("keys", "worst_key_ms", KEY_BOUND_MS),
            ("gaps", "longest_gap_ms", GAP_BOUND_MS),
        )
    ]


def session(events: int) -> dict[str, float]:
    """One attach to a run with `events` steps: {worst_key_ms, longest_gap_ms, steps}."""
    command = [sys.executable, str(HERE / "g12_attach.py"), str(events)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    measured: dict[str, float] = json.loads(told.stdout)
    return measured


def environment() -> dict[str, str]:
    """This process's environment, with the checkout importable."""
    return os.environ | {"PYTHONPATH": str(ROOT)}
