"""A workspace with variants in every form, and adapters laid by hand: a passport and a weights file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.models import adapters
from store import runs
from store.records.adapters import AdapterPassport
from store.records.recipe import Recipe
from store.records.runs import JobKind, RunSpec
from store.runs import RunFolder
from store.workspace import Workspace

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[knowledge.docs]
sources = ["knowledge"]
[knowledge.laws]
sources = ["laws"]
[variants.base]
model = "tiny"
prompt = "prompts/base.md"
quant = "q6_k"
[variants.base.sampling]
temperature = 0.5
[variants.grounded]
inherits = "base"
knowledge = "laws"
top_k = 2
[variants.tuned]
adapter = "last"
[defaults]
variant = "base"
knowledge = "docs"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "wallet"
    (root / "prompts").mkdir(parents=True)
    (root / "prompts" / "base.md").write_text("\nBe brief.\n\n", encoding="utf-8")
    (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    return Workspace(root)


def passport(run_id: str) -> AdapterPassport:
    return AdapterPassport(
        run_id,
        base="tiny",
        base_path="builtin:tiny",
        base_sha256="b",
        dataset="chats@1",
        dataset_sha256="d",
        recipe=Recipe(template="{prompt} -> {completion}"),
        adapter_sha256="a",
        template_sha256="t",
        system="Trained so.",
        steps=3,
        created="2026-01-31T12:00:00Z",
        device="cpu",
    )


def lay_adapter(folder: Path, run_id: str) -> Path:
    """An adapter as far as its passport tells."""
    folder.mkdir(parents=True)
    (folder / adapters.WEIGHTS).write_bytes(b"weights of " + run_id.encode())
    (folder / adapters.PASSPORT).write_bytes(msgspec.json.encode(passport(run_id)))
    return folder


def lay_run(workspace: Workspace, run_id: str, job: JobKind = "train", **params: str) -> RunFolder:
    """A run; one that trains has an adapter."""
    day = len(runs.list_folders(workspace.paths.runs)) + 1
    spec = RunSpec(run_id, job, f"2026-01-{day:02}T12:00:00Z", str(workspace.root), dict(params))
    folder = runs.create(workspace.paths.runs, spec)
    if job == "train":
        lay_adapter(adapters.adapter_folder(folder.path), run_id)
    return folder
