"""A dataset that temper.toml describes is imported when it is first needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.ensure import ensure_dataset
from store import datasets
from store.errors import MissingError, UsageError
from store.workspace import Workspace

SETTINGS = """
[datasets.support]
source = "data/support.csv"
heldout = 0.25
seed = 7
answer_json = "intent"
map = {input = "text", answer = "category"}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "data").mkdir()
    rows = "".join(f"question {index},c{index % 2}\n" for index in range(16))
    (tmp_path / "data" / "support.csv").write_text("text,category\n" + rows, encoding="utf-8")
    return Workspace(tmp_path)


def test_it_is_imported_as_the_settings_say(workspace: Workspace) -> None:
    info = ensure_dataset(workspace, "support/heldout")
    assert (info.version, info.splits, info.seed) == (1, {"train": 12, "heldout": 4}, 7)
    assert datasets.read_rows(workspace.paths, "support")[0].messages[-1].content.startswith('{"intent": "c')


def test_an_imported_dataset_is_not_imported_again(workspace: Workspace) -> None:
    first = ensure_dataset(workspace, "support")
    (workspace.root / "data" / "support.csv").unlink()
    assert ensure_dataset(workspace, "support@1/heldout") == first


def test_an_unknown_name_lists_what_the_settings_know(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match=r"Known here: support\. Did you mean 'support'\?"):
        ensure_dataset(workspace, "suport")


def test_a_missing_source_is_named(workspace: Workspace) -> None:
    (workspace.root / "data" / "support.csv").unlink()
    with pytest.raises(MissingError, match=r"support\.csv does not exist"):
        ensure_dataset(workspace, "support")
