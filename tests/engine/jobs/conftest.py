"""A small workspace, a GPU queue of its own, no worker left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.workspace import Workspace
from tests.workers import kill_all

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[datasets.chats]
source = "data/chats.jsonl"
"""


def make_workspace(root: Path) -> Workspace:
    """A workspace whose dataset has eight short rows."""
    (root / "data").mkdir(parents=True)
    (root / "evals").mkdir()
    (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    rows = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(8)]
    (root / "data" / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return Workspace(root)


@pytest.fixture(autouse=True)
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests beside this one do not queue behind it."""
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = make_workspace(tmp_path / "wallet")
    yield opened
    kill_all(opened)
