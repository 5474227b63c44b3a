"""What the command line's tests act on: a small workspace, runs laid by hand, workers that play a script."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.jobs import launch
from engine.jobs.scripted import ScriptedParams
from engine.models import adapters
from store import clock, runs
from store.records.adapters import AdapterPassport
from store.records.events import Artifact, Event, Finished, Lease, Started
from store.records.recipe import Recipe
from store.records.runs import JobKind, RunSpec
from store.runs import RunFolder
from store.workspace import Workspace

SETTINGS = """
# Models, each under a name.
[models.tiny]
path = "builtin:tiny"           # came with Temper
[datasets.support]
source = "data/support.jsonl"
[knowledge.docs]
sources = ["knowledge"]
[variants.base]
model = "tiny"
prompt = "prompts/support.md"
# Used where none is named.
[defaults]
variant = "base"
"""
RECIPE = 'base = "tiny"\ndataset = "support"\nmax_steps = 3\nmax_length = 128\n'
METRICS = {"steps": 3, "loss": 1.25, "rows": 2, "trained_tokens": 40, "device": "cpu"}


class Outcome(msgspec.Struct):
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)


def make_workspace(root: Path) -> Workspace:
    """A workspace with a recipe, a prompt and a dataset's source."""
    for folder in ("data", "knowledge", "prompts", "recipes"):
        (root / folder).mkdir(parents=True)
    (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "recipes" / "support.toml").write_text(RECIPE, encoding="utf-8")
    (root / "prompts" / "support.md").write_text("Sort the message.\n", encoding="utf-8")
    rows = [{"prompt": f"message {n}", "completion": f"answer {n}"} for n in range(4)]
    (root / "data" / "support.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return Workspace(root)


def lay_run(
    workspace: Workspace, run_id: str, events: list[Event], job: JobKind = "scripted", command: str = ""
) -> RunFolder:
    """A run folder as a worker would have left it. Started and leased are written in front."""
    spec = RunSpec(run_id, job, clock.stamp(), str(workspace.root), title=f"{job} of a test", command=command)
    folder = runs.create(workspace.paths.runs, spec)
    writer = runs.EventWriter(folder)
    for event in [Started(run_id=run_id, job=job, pid=1), Lease(device="none"), *events]:
        writer.emit(event)
    writer.close()
    return folder


def lay_training(workspace: Workspace, run_id: str = "train-20260131-100000-0001") -> RunFolder:
    """A finished training run with an adapter, its weights left out."""
    result = {"adapter": "artifacts/adapter", "metrics": METRICS}
    made = Artifact(name="adapter", path="artifacts/adapter", type="adapter", bytes=7)
    folder = lay_run(workspace, run_id, [made, Finished(status="finished", result=result)], "train")
    out = adapters.adapter_folder(folder.path)
    out.mkdir()
    (out / adapters.WEIGHTS).write_bytes(b"weights")
    passport = AdapterPassport(
        run_id=run_id,
        base="tiny",
        base_path="builtin:tiny",
        base_sha256="",
        dataset="support@1",
        dataset_sha256="",
        recipe=Recipe(base="tiny", dataset="support"),
        adapter_sha256="",
        template_sha256="",
        system="Sort the message.",
        steps=3,
        created=clock.stamp(),
        device="cpu",
    )
    (out / adapters.PASSPORT).write_bytes(msgspec.json.encode(passport))
    return folder


def play(workspace: Workspace, events: list[dict[str, Any]] | None = None, hold: bool = False) -> RunFolder:
    """A real worker that plays `events` and, with `hold`, lives on until it is stopped."""
    return launch.start(workspace, "scripted", ScriptedParams(events or [], hold=hold), "a script")


def pid_of(folder: RunFolder) -> int:
    """The worker's process id."""
    return next(event.pid for event in runs.read_events(folder.events) if isinstance(event, Started))


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as `condition` holds; fail when it does not come to."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def command(*arguments: str) -> list[str]:
    """The words that run `temper` as a process of its own."""
    return [sys.executable, "-P", "-c", "from app.cli.main import main; main()", *arguments]


def environment() -> dict[str, str]:
    """This process's, with output that is not held back."""
    return os.environ | {"PYTHONUNBUFFERED": "1"}
