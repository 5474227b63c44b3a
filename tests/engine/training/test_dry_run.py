"""What is known of a run before it starts: its rows, steps, memory and disk; nothing is started or loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.ensure import ensure_dataset
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.dry_run import MOST_CHECKPOINTS, look_ahead
from engine.training.preflight import check
from store.errors import RefusedError
from store.records.plan import DryRun
from store.records.recipe import Lora, Recipe
from store.workspace import Workspace

SETTINGS = '[models.tiny]\npath = "builtin:tiny"\n[datasets.chats]\nsource = "data/chats.jsonl"\n'
RECIPE: dict[str, Any] = {"base": "tiny", "dataset": "chats", "batch_size": 2, "max_length": 64}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of eleven rows, of which one is far too long."""
    (tmp_path / "data").mkdir()
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    rows = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(10)]
    rows.append({"prompt": "say all", "completion": "it is one of many " * 50})
    (tmp_path / "data" / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return Workspace(tmp_path)


def ahead(workspace: Workspace, **changes: Any) -> DryRun:
    recipe = Recipe(**RECIPE | changes)
    return look_ahead(workspace, check(workspace, recipe), recipe)


def test_rows_steps_and_what_is_cut_are_told(workspace: Workspace) -> None:
    found = ahead(workspace, epochs=2)
    assert (found.rows, found.truncated, found.untrained) == (11, [11], [])
    assert (found.steps, found.rows_per_step, found.epochs) == (11, 2, 2.0)
    assert 0 < found.trained_tokens < found.total_tokens


def test_the_largest_pass_of_the_run_is_what_memory_is_estimated_for(workspace: Workspace) -> None:
    short = ahead(workspace, batch_size=1).plan.demand
    assert short.tokens == short.longest == 64


def test_disk_is_counted_for_the_result_and_the_checkpoints_that_are_kept(workspace: Workspace) -> None:
    found = ahead(workspace, max_steps=100, checkpoint_every=10, lora=Lora(rank=4)).disk
    assert found.checkpoints == MOST_CHECKPOINTS
    assert found.total_bytes == found.result_bytes + found.checkpoints * found.checkpoint_bytes
    assert ahead(workspace, max_steps=100, checkpoint_every=0).disk.checkpoints == 0


def test_the_disk_estimate_of_the_result_is_what_an_adapter_takes(workspace: Workspace) -> None:
    base = ModelDirectory(builtin_directory("tiny"))
    inside = [size for name, size in base.shapes.items() if ".layers." in name and len(size) == 2]
    found = ahead(workspace, lora=Lora(rank=4)).disk
    assert found.result_bytes == 4 * sum(4 * (rows + columns) for rows, columns in inside)


def test_a_check_that_was_never_made_is_said_to_be_missing(workspace: Workspace) -> None:
    assert ahead(workspace).verdict == ""


def files_of(workspace: Workspace) -> dict[str, int]:
    """Every file and folder of a workspace, with the time of its last change."""
    return {str(path): path.lstat().st_mtime_ns for path in workspace.root.rglob("*")}


def test_a_dataset_that_is_not_imported_is_read_and_forgotten(workspace: Workspace) -> None:
    before = files_of(workspace)
    found = ahead(workspace)
    assert (found.rows, found.not_imported) == (11, ["chats"])
    assert files_of(workspace) == before


def test_a_dataset_that_is_imported_is_read_where_it_is(workspace: Workspace) -> None:
    first = ensure_dataset(workspace, "chats")
    with (workspace.root / "data" / "chats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "say 99", "completion": "it is 99"}) + "\n")
    before = files_of(workspace)
    found = ahead(workspace, dataset=f"chats@{first.version}")
    assert (found.rows, found.not_imported) == (11, [])
    assert files_of(workspace) == before


def test_checkpoints_of_a_run_that_keeps_its_best_take_the_best_weights_too(workspace: Workspace) -> None:
    plain = ahead(workspace, max_steps=100, checkpoint_every=10).disk
    best = ahead(workspace, max_steps=100, checkpoint_every=10, eval_every=10, eval_dataset="chats").disk
    assert best.checkpoint_bytes == plain.checkpoint_bytes + plain.result_bytes


def test_rows_without_a_token_to_train_on_stop_it_as_they_would_stop_the_run(workspace: Workspace) -> None:
    with (workspace.root / "data" / "chats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "word " * 200, "completion": "too late"}) + "\n")
    with pytest.raises(RefusedError, match="stops training"):
        ahead(workspace)
    recipe = Recipe(**RECIPE)
    found = look_ahead(workspace, check(workspace, recipe), recipe, ["no_trained_token"])
    assert found.untrained == [12]
