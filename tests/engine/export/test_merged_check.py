"""The check of a merged model: the right one ships, another one is blocked with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.export.material import material_for
from engine.export.merged_check import check_merged
from engine.export.ship.asked import Exam
from engine.export.ship.check import NO_SUITE
from engine.models.directory import ModelDirectory
from store.records.exports import ShipCheck
from tests.bases import EXAMPLES, altered
from tests.engine.conftest import Trained

pytestmark = pytest.mark.training


def checked(trained: Trained, folder: Path, heard: list[int] | None = None, suite: bool = True) -> ShipCheck:
    base = ModelDirectory(trained.base)
    material = material_for(base, "", "", EXAMPLES, EXAMPLES)
    material.exam = Exam("support", [], []) if suite else None
    return check_merged(base, trained.adapter, folder, material, (heard if heard is not None else []).append)


def copied(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target))


def test_the_merged_model_ships(trained: Trained, merged: Path, tmp_path: Path) -> None:
    heard: list[int] = []
    check = checked(trained, copied(merged, tmp_path / "m"), heard)
    assert (check.verdict, check.reasons) == ("SHIP", [])
    assert (check.top1_agreement, check.token_ids_equal, check.prompts) == (1.0, 1.0, len(EXAMPLES))
    assert check.kl_mean is not None
    assert check.kl_mean < 1e-6
    assert heard == list(range(1, 2 * len(EXAMPLES) + 1))


def test_without_a_suite_it_is_a_warning_at_best(trained: Trained, merged: Path, tmp_path: Path) -> None:
    check = checked(trained, copied(merged, tmp_path / "m"), suite=False)
    assert (check.verdict, check.reasons) == ("WARN", [NO_SUITE])


def test_the_base_without_the_adapter_is_blocked(trained: Trained, tmp_path: Path) -> None:
    check = checked(trained, copied(trained.base, tmp_path / "m"))
    assert check.verdict == "BLOCK"
    assert "answer tokens are the trained model's" in check.reasons[0]


def test_another_chat_template_is_blocked(trained: Trained, merged: Path, tmp_path: Path) -> None:
    other = altered(
        merged, tmp_path / "m", "tokenizer_config.json", chat_template="{{ messages[0].content }}"
    )
    check = checked(trained, other)
    assert check.verdict == "BLOCK"
    assert check.reasons == ["The chat template is not the model's own."]


def test_another_tokenizer_is_blocked(trained: Trained, merged: Path, tmp_path: Path) -> None:
    other = copied(merged, tmp_path / "m")
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:100]
    (other / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    check = checked(trained, other)
    assert check.verdict == "BLOCK"
    assert "give other token ids" in check.reasons[0]
