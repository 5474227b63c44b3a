"""`temper train` with what cannot work: a titled error, its exit code, nothing started, nothing changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.models.builtin import builtin_directory
from store import runs
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import Outcome, lay_training


def refused(temper: Temper, workspace: Workspace, *arguments: str) -> Outcome:
    """The command's end; the same with and without --dry-run, and no run is there."""
    before = runs.list_folders(workspace.paths.runs)
    ended = temper("train", "support", *arguments)
    assert [one.path for one in runs.list_folders(workspace.paths.runs)] == [one.path for one in before]
    looked = temper("train", "support", *arguments, "--dry-run")
    assert (looked.code, looked.err) == (ended.code, ended.err)
    return ended


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("max_steps=0", "max_steps: Expected `int` >= 1, got 0"),
        ("learning_rate=2", "learning_rate: Expected `float` <= 1.0"),
        ("learning_rate=nan", "learning_rate"),
        ("beta=nan", "beta"),
        ("epochs=inf", "epochs"),
        ("rows_share=0", "rows_share"),
        ("lora.rank=-1", "lora.rank"),
        ("lora.dropout=1.0", "lora.dropout"),
        ("lora.layers=3", "lora.layers"),
        ("max_length=true", "max_length"),
        ('batch_size="eight"', "batch_size"),
        ("seed=4294967296", "seed"),
        ("lora=3", "lora: "),
        ("mask=assistent", "did you mean 'assistant'?"),
        ("lora.rnk=8", "lora.rnk: unknown key; did you mean 'rank'?"),
        ("warmup_ratio=0.1", ""),
    ],
)
def test_a_value_out_of_its_range_or_an_unknown_key_is_named(
    setting: str, said: str, temper: Temper, workspace: Workspace
) -> None:
    given = ("--set", setting) if said else ("--set", setting, "--set", "warmup_steps=2")
    ended = refused(temper, workspace, *given)
    assert ended.code == 2
    assert (said or "warmup_steps says the same") in ended.err


def test_a_recipe_file_with_many_faults_lists_each_with_the_files_name(
    temper: Temper, workspace: Workspace
) -> None:
    file = workspace.root / "recipes" / "wrong.toml"
    file.write_text('bse = "tiny"\nmax_steps = -1\n[lora]\nrank = "high"\n', encoding="utf-8")
    ended = temper("train", "wrong")
    assert ended.code == 2
    lines = [line for line in ended.err.splitlines() if "wrong.toml:" in line]
    assert len(lines) == 3
    assert "did you mean 'base'?" in ended.err


@pytest.mark.parametrize("text", ["max_steps = \n", "[lora\n", "\x00"])
def test_a_recipe_that_is_no_toml_is_refused_with_its_line(
    text: str, temper: Temper, workspace: Workspace
) -> None:
    (workspace.root / "recipes" / "torn.toml").write_text(text, encoding="utf-8")
    ended = temper("train", "torn")
    assert (ended.code, "not TOML" in ended.err, "torn.toml" in ended.err) == (2, True, True)


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize("objective", ["dpo", "orpo", "kto", "text"])
def test_rows_of_the_wrong_kind_are_refused(
    objective: str, imported: bool, temper: Temper, workspace: Workspace
) -> None:
    if imported:
        assert temper("data", "import", "data/support.jsonl", "--as", "support").code == 0
        ended = refused(temper, workspace, "--set", f"objective={objective}", "--set", "batch_size=2")
    else:  # nobody knows the kind of rows that were not read: the look ahead reads them
        ended = temper("train", "support", "--objective", objective, "--set", "batch_size=2", "--dry-run")
    assert ended.code == 2
    assert f"support does not fit the objective {objective}" in ended.err


def lay_base(workspace: Workspace, name: str, **config: Any) -> str:
    """A copy of the embedded base whose config.json says something else."""
    folder = workspace.root / name
    shutil.copytree(builtin_directory("tiny"), folder)
    whole = json.loads((folder / "config.json").read_text(encoding="utf-8")) | config
    (folder / "config.json").write_text(json.dumps(whole), encoding="utf-8")
    return name


def test_a_base_that_is_already_quantised_is_refused(temper: Temper, workspace: Workspace) -> None:
    base = lay_base(workspace, "four-bit", quantization_config={"quant_method": "bitsandbytes"})
    ended = refused(temper, workspace, "--base", base)
    assert ended.code == 2
    assert "The base model is already quantised" in ended.err


def test_an_adapter_of_another_base_is_refused(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    for mode in ("continue", "merge"):
        given = ("--set", f"init_from={folder.run_id}", "--set", f"init_mode={mode}")
        ended = refused(temper, workspace, *given)
        assert ended.code == 2
        assert "The adapter was made for another base" in ended.err


def test_rows_longer_than_the_model_reads_are_refused(temper: Temper, workspace: Workspace) -> None:
    short = lay_base(workspace, "short", max_position_embeddings=64)
    ended = refused(temper, workspace, "--base", short)
    assert ended.code == 2
    assert "short reads 64 tokens" in ended.err
    assert "Set max_length = 64 or less" in ended.err


def rewrite(workspace: Workspace, rows: list[dict[str, str]]) -> Path:
    path = workspace.root / "data" / "support.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_rows_of_which_nothing_is_trained_are_refused_with_the_reason(
    temper: Temper, workspace: Workspace
) -> None:
    rewrite(workspace, [{"prompt": "word " * 300, "completion": "too late"}] * 3)
    ended = temper("train", "support", "--dry-run")
    assert ended.code == 2
    assert "No row has a token to train on" in ended.err


def test_an_empty_source_is_refused(temper: Temper, workspace: Workspace) -> None:
    rewrite(workspace, [])
    ended = temper("train", "support", "--dry-run")
    assert ended.code == 1
    assert "Nothing to import" in ended.err
    assert "support.jsonl" in ended.err


def test_a_damaged_dataset_version_is_refused(temper: Temper, workspace: Workspace) -> None:
    assert temper("data", "import", "data/support.jsonl", "--as", "support").code == 0
    rows = workspace.paths.datasets / "support" / "v1" / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-20])
    ended = temper("train", "support", "--dry-run")
    assert ended.code != 0
    assert "damaged" in ended.err


def test_a_passport_that_cannot_be_read_is_refused(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    (folder.path / "artifacts" / "adapter" / "passport.json").write_bytes(msgspec.json.encode({"run": 1}))
    ended = refused(temper, workspace, "--set", f"init_from={folder.run_id}")
    assert (ended.code, "passport is damaged" in ended.err) == (2, True)
