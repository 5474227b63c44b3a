"""Where the seconds between a worker's start and its first step go, on the tiny model: cold and warm.

    .venv/bin/python -m scripts.real_runs.worker_start [--repeat 3] [--json]

Each run is a real one of one step, started through engine.jobs.launch in a workspace of its own whose data is
imported and checked already. Stretches come from its events; what is imported, from one more run under
`python -X importtime`, by the package that a module belongs to.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from engine.jobs import launch, warm
from engine.jobs.train import TrainParams
from engine.training.recipe import load_recipe
from engine.workspaces import create
from scripts.real_runs.commands import versions
from store import clock, runs
from store.records.events import AnyEvent, Lease, Notice, Started, Step
from store.records.recipe import Recipe
from store.records.runs import ENDED, RunSpec
from store.runs import RunFolder
from store.workspace import Workspace

PACKAGES_SHOWN = 12
LIMIT_SECONDS = 300.0
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def workspace_at(root: Path) -> Workspace:
    """The support template with its data imported and checked, which a first run does."""
    workspace = create(root, "support")
    finish(launch.start(workspace, "train", TrainParams(recipe_of(workspace)), "to import the data"))
    return workspace


def recipe_of(workspace: Workspace) -> Recipe:
    """The template's recipe, one step long."""
    changes = ["max_steps=1", "epochs=0", "warmup_ratio=0.0", "warmup_steps=0", "checkpoint_every=0"]
    return load_recipe(workspace.root / "recipes" / "support.toml", changes)


def finish(folder: RunFolder) -> list[AnyEvent]:
    """The events of a run once it has ended. Raises RuntimeError when it has not finished well."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while runs.view(folder).state not in ENDED:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{folder.run_id} has not ended")
        time.sleep(0.05)
    if runs.view(folder).state != "finished":
        raise RuntimeError(folder.log_tail(40))
    return runs.read_events(folder.events)


def stretches(asked: float, events: list[AnyEvent]) -> dict[str, float]:
    """Seconds from `asked` (Unix time) to the first step, in stretches that follow each other."""
    moments = {"asked": asked}
    for event in events:
        now = clock.parse(event.time).timestamp()
        if isinstance(event, Started):
            moments["process, lock, first word"] = now
        elif isinstance(event, Lease):
            moments["GPU queue"] = now
        elif isinstance(event, Notice) and event.title == "Rows":
            moments["data looked at and rendered"] = now
        elif isinstance(event, Notice) and event.title == "Plan":
            moments["plan"] = now
        elif isinstance(event, Step):
            moments["training imported, model and trainer built, first step"] = now
            break
    names = list(moments)
    found = {name: moments[name] - moments[before] for before, name in itertools.pairwise(names)}
    return found | {"in all": moments[names[-1]] - asked}


def measured(workspace: Workspace, warmed: bool) -> dict[str, float]:
    """One run's stretches; a warm worker is ready before the run is asked for, and what it took is told."""
    worker, more = None, {}
    if warmed:
        worker = warm.start("sft")
        if worker is None:
            raise RuntimeError("main memory is too short for a warm worker")
        deadline = time.monotonic() + LIMIT_SECONDS
        while worker.alive and worker.ready is None and time.monotonic() < deadline:
            time.sleep(0.02)
        ready = worker.ready
        if ready is None:
            raise RuntimeError("the warm worker did not become ready")
        more = {"warmed before, seconds": ready.seconds, "warmed before, MB": ready.memory_bytes / 1e6}
    pid = worker.pid if worker is not None else 0
    asked = time.time()
    folder = launch.start(workspace, "train", TrainParams(recipe_of(workspace)), "measured", warm=worker)
    events = finish(folder)
    taken = next(event.pid for event in events if isinstance(event, Started)) == pid
    if taken != warmed:
        raise RuntimeError("the run was not done by the worker that was meant")
    loss = next(event.loss for event in events if isinstance(event, Step))
    return stretches(asked, events) | more | {"loss of the step": loss}


def imports(workspace: Workspace) -> dict[str, float]:
    """Seconds of import by package in one whole run, the largest first, importtime's own cost included."""
    params = msgspec.to_builtins(TrainParams(recipe_of(workspace)))
    spec = RunSpec(clock.new_id("train"), "train", clock.stamp(), str(workspace.root), params, "imports")
    folder = runs.create(workspace.paths.runs, spec)
    command = [sys.executable, "-X", "importtime", "-P", "-m", "engine.jobs.worker", str(folder.path)]
    done = subprocess.run(
        command, env=launch.environment(), stderr=subprocess.PIPE, text=True, errors="replace", check=True
    )
    seconds: dict[str, float] = defaultdict(float)
    for line in done.stderr.splitlines():
        if found := _IMPORT.match(line):
            seconds[found[2].partition(".")[0]] += int(found[1]) / 1e6
    ordered = sorted(seconds.items(), key=lambda one: -one[1])
    others = sum(took for _, took in ordered[PACKAGES_SHOWN:])
    return dict(ordered[:PACKAGES_SHOWN]) | {"all others": others, "in all": sum(seconds.values())}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TEMPER_RUNTIME_DIR"] = str(Path(scratch) / "runtime")
        workspace = workspace_at(Path(scratch) / "start")
        told: dict[bool, list[dict[str, float]]] = {False: [], True: []}
        for _ in range(chosen.repeat):
            for warmed, kept in told.items():
                kept.append(measured(workspace, warmed))
        imported = imports(workspace)
    if len({one["loss of the step"] for kept in told.values() for one in kept}) != 1:
        raise RuntimeError("cold and warm runs have not computed the same")
    cold, warmed_up = ({key: median(one[key] for one in kept) for key in kept[0]} for kept in told.values())
    figures: dict[str, Any] = {
        "cold": cold,
        "warm": warmed_up,
        "imports": imported,
        "repeat": chosen.repeat,
        "load": round(os.getloadavg()[0], 1),
        "versions": versions(),
    }
    print(json.dumps(figures, indent=2) if chosen.json else table(figures))
    return 0


def table(figures: dict[str, Any]) -> str:
    """Stretches of cold and warm side by side, then imports by package."""
    cold, warmed = figures["cold"], figures["warm"]
    lines = [f"{'seconds, median':<60}{'cold':>8}{'warm':>8}"]
    for name in dict.fromkeys([*cold, *warmed]):
        cells = (f"{one[name]:.2f}" if name in one else "" for one in (cold, warmed))
        lines.append(f"{name:<60}" + "".join(cell.rjust(8) for cell in cells))
    lines += ["", f"{'seconds of import in a cold run, by package':<60}"]
    lines += [f"{name:<60}{seconds:8.2f}" for name, seconds in figures["imports"].items()]
    return "\n".join(
        [*lines, "", f"{figures['repeat']} runs each, load {figures['load']}; {figures['versions']}"]
    )


if __name__ == "__main__":
    sys.exit(main())
