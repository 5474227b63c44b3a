"""What the command line's tests act on: a small workspace, a training run laid by hand, `temper` itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from engine.models import adapters
from store import clock
from store.records.adapters import AdapterPassport
from store.records.events import Artifact, Finished
from store.records.recipe import Recipe
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import lay_run

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


def command(*arguments: str) -> list[str]:
    """The words that run `temper` as a process of its own."""
    return [sys.executable, "-P", "-c", "from app.cli.main import main; main()", *arguments]


def environment() -> dict[str, str]:
    """This process's, with output that is not held back."""
    return os.environ | {"PYTHONUNBUFFERED": "1"}
