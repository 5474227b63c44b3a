"""Temper's arm of G12's attach: keys and event loop while the screen attaches to a run with 20,000 events.

Prints JSON: worst_key_ms (from a key to the moved highlight), longest_gap_ms (event loop), steps (shown).
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from app.tui.app import TemperApp, favour_the_screen
from app.tui.widgets.run_list import RunList
from store import clock, runs
from store.locks import FileLock
from store.records.events import Event, Finished, Lease, Started, Step
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace

EVENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000


def lay(workspace: Workspace, run_id: str, events: list[Event]) -> RunFolder:
    """A run folder with these events."""
    folder = runs.create(workspace.paths.runs, RunSpec(run_id, "train", clock.stamp(), str(workspace.root)))
    writer = runs.EventWriter(folder)
    for event in [Started(run_id=run_id), Lease(device="none"), *events]:
        writer.emit(event)
    writer.close()
    return folder


async def longest_gap(stop: asyncio.Event) -> float:
    """Seconds."""
    worst = 0.0
    while not stop.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - begin)
    return worst


async def press(app: TemperApp, listed: RunList, key: str) -> float:
    """Seconds until the highlight has moved."""
    before, begin = listed.highlighted, time.perf_counter()
    app.simulate_key(key)
    while listed.highlighted == before:
        await asyncio.sleep(0)
    return time.perf_counter() - begin


async def measure(workspace: Workspace) -> dict[str, float]:
    """Attach while pressing keys."""
    app = TemperApp(workspace, workspace.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.5)  # the start is the first frame's business
        await pilot.press("2")
        while app.screen.query_one(RunList).option_count != 2:
            await pilot.pause(0.01)
        listed, stop = app.screen.query_one(RunList), asyncio.Event()
        gap, keys = asyncio.create_task(longest_gap(stop)), []
        for key in ["down", "up"] * 10:
            keys.append(await press(app, listed, key))
            await asyncio.sleep(0.05)
        while app.board.history is None or len(app.board.history.steps) < EVENTS:
            await asyncio.sleep(0.01)
        stop.set()
        shown = len(app.board.history.steps)
        return {"worst_key_ms": 1e3 * max(keys), "longest_gap_ms": 1e3 * await gap, "steps": shown}


def main() -> None:
    """Lay the runs, measure, print."""
    favour_the_screen()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "temper.toml").write_text('[models.tiny]\npath = "builtin:tiny"\n', encoding="utf-8")
        workspace = Workspace(root)
        lay(workspace, "train-a", [Finished(status="finished")])
        time.sleep(0.002)  # a later creation time
        steps: list[Event] = [Step(step=n, total=EVENTS, loss=3.0 / n) for n in range(1, EVENTS + 1)]
        long = lay(workspace, "train-b", steps)
        with FileLock(long.lock) as lock:
            lock.acquire()
            print(json.dumps(asyncio.run(measure(workspace))))


if __name__ == "__main__":
    main()
