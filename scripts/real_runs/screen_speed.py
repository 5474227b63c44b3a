"""How long the evals screen takes over the results of thousands of cases, and how long it stands still.

    python -m scripts.real_runs.screen_speed [--cases 5000] [--json]

Four runs of three variants over a suite of that many made-up cases, laid as a worker would have left them;
then the real app, without a terminal, at 120 x 40. Of each step: seconds until it is shown, and the longest
gap of the event loop meanwhile. Half a minute; other work on the processor makes the gaps longer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from app.tui.app import TemperApp, favour_the_screen
from app.tui.widgets.cases_pane import CaseList
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.versus_pane import ChangedList
from engine.evals.scores import score_of
from scripts.real_runs.commands import versions
from store import clock, runs
from store.records.evals import CaseResult, CheckResult
from store.records.events import Finished, Lease, Started
from store.records.runs import RunSpec
from store.workspace import Workspace

ANSWERS = ("card", "fees", "scam", "login", "recovery", "settings", "transfer", "verification")
LANGUAGES = ("de", "en", "fr", "ja")
RUNS = (("base", 0.3), ("tuned", 0.6), ("small", 0.7), ("tuned", 0.65))
CHECKS = ("exact", "json_schema", "similarity", "length")
WORDS = 14
MOST_SECONDS = 120.0
LINES = 20


def question(chance: random.Random) -> str:
    """A few made-up words."""
    letters = "abdefgiklmnoprstu"
    return " ".join("".join(chance.choices(letters, k=chance.randint(3, 8))) for _ in range(WORDS))


def results(variant: str, share: float, cases: int, seed: int) -> list[CaseResult]:
    """One answer to each case, of which about `share` are right."""
    asking, chance = random.Random(0), random.Random(seed)
    found = []
    for number in range(cases):
        asked, expected = question(asking), asking.choice(ANSWERS)
        given = expected if chance.random() < share else chance.choice(ANSWERS)
        right = given == expected
        checks = [
            CheckResult(name, right or name != "exact", float(right or name != "exact")) for name in CHECKS
        ]
        slices = [f"language={asking.choice(LANGUAGES)}", *(["critical"] if number % 9 == 0 else [])]
        found.append(
            CaseResult(
                "large", variant, f"case-{number:05d}", asked, given, right, float(right), checks, expected,
                latency_ms=120.0, prompt_tokens=60, completion_tokens=9, slices=slices,
            )
        )  # fmt: skip
    return found


def lay(workspace: Workspace, number: int, variant: str, share: float, cases: int) -> None:
    """A finished evaluation."""
    answers = results(variant, share, cases, number + 1)
    run_id = f"evaluate-2026010{number + 1}-000000-0000"
    spec = RunSpec(run_id, "evaluate", clock.stamp(), str(workspace.root), {}, title=f"large: {variant}")
    folder = runs.create(workspace.paths.runs, spec)
    folder.results.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in answers))
    scores = [msgspec.to_builtins(score_of(variant, answers))]
    writer = runs.EventWriter(folder)
    ended = Finished(status="finished", result={"suite": "large", "variants": scores, "baselines": {}})
    for event in (Started(run_id=run_id), Lease(device="none"), ended):
        writer.emit(event)
    writer.close()


class Stopwatch:
    """Presses keys and measures until what they ask for is shown."""

    def __init__(self, app: TemperApp, pilot: Any) -> None:
        self.app = app
        self.pilot = pilot
        self.figures: dict[str, dict[str, float]] = {}
        self._gap = 0.0

    async def watch(self) -> None:
        """Note gaps of the event loop, for ever."""
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            self._gap = max(self._gap, time.perf_counter() - begin)

    async def take(self, name: str, keys: list[str], shown: Callable[[], Any]) -> None:
        """Press `keys`, wait until it is `shown`. Raises TimeoutError."""
        self._gap, begin = 0.0, time.perf_counter()
        await self.pilot.press(*keys)
        while not shown():
            if time.perf_counter() - begin > MOST_SECONDS:
                raise TimeoutError(name)
            await asyncio.sleep(0.002)
        seconds = time.perf_counter() - begin
        await asyncio.sleep(0.2)  # what is drawn behind it belongs to it
        self.figures[name] = {"seconds": round(seconds, 3), "longest_gap_ms": round(1000 * self._gap)}


async def measure(workspace: Workspace, cases: int) -> dict[str, dict[str, float]]:
    """Every step of the way through the screen."""
    app = TemperApp(workspace, workspace.root)
    async with app.run_test(size=(120, 40)) as pilot:
        favour_the_screen()
        watch = Stopwatch(app, pilot)
        task = asyncio.create_task(watch.watch())
        await asyncio.sleep(3.0)  # the start is the first frame's business
        await watch.take("the screen opens", ["6"], lambda: app.screen.query(VariantRows))
        one = app.screen.query_one
        await watch.take("variants", [], lambda: one(VariantRows).count)
        await watch.take(f"{cases:,} cases", ["enter", "c"], lambda: one(CaseList).count == cases)
        await watch.take(f"{LINES} lines down", ["down"] * LINES, lambda: one(CaseList).cursor == LINES)
        await watch.take("two variants compared", ["v"], lambda: one(ChangedList).count)
        await watch.take("failures in groups", ["x"], lambda: one(GroupList).count)
        await watch.take("a decision", ["p"], lambda: any(group.named for group in one(GroupList).groups))
        task.cancel()
    return watch.figures


def main() -> None:
    """Lay the runs, go through the screen, print."""
    parser = argparse.ArgumentParser(prog="python -m scripts.real_runs.screen_speed")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"HOME": scratch, "TEMPER_RUNTIME_DIR": f"{scratch}/runtime"}
        root = Path(scratch) / "large"
        (root / "evals").mkdir(parents=True)
        (root / "temper.toml").write_text('[workspace]\nname = "large"\n', encoding="utf-8")
        workspace = Workspace(root)
        for number, (variant, share) in enumerate(RUNS):
            lay(workspace, number, variant, share, chosen.cases)
        figures = asyncio.run(measure(workspace, chosen.cases))
    if chosen.json:
        print(json.dumps({"figures": figures, "versions": versions(), "load": os.getloadavg()[0]}, indent=2))
        return
    for name, one in figures.items():
        print(f"{name:<24}{one['seconds']:>7.2f} s   longest gap {one['longest_gap_ms']:>5.0f} ms")
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
