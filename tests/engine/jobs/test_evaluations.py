"""What evaluation runs say of an exported model: the newest score of each variant that is it, no other's."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from engine.jobs.evaluations import scores_of
from engine.models.adapters import PASSPORT, WEIGHTS, adapter_folder
from engine.models.variants import Parts, describe
from store import runs
from store.records.events import Finished
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import lay_run

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[variants.tuned]
adapter = "train-1"
[variants.base]
model = "tiny"
"""


@pytest.fixture
def trained(workspace: Workspace) -> Workspace:
    """A workspace with an adapter, a variant of it and one of the base alone."""
    (workspace.root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    folder = adapter_folder(lay_run(workspace, "train-1", [], "train").path)
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(b"weights")
    passport = {
        "run_id": "train-1",
        "base": "tiny",
        "base_path": "builtin:tiny",
        "base_sha256": "",
        "dataset": "chats@1",
        "dataset_sha256": "",
        "recipe": {"base": "tiny", "dataset": "chats"},
        "adapter_sha256": "",
        "template_sha256": "",
        "system": "",
        "steps": 1,
        "created": "2026-01-31T10:00:00.000Z",
        "device": "cpu",
    }
    (folder / PASSPORT).write_text(json.dumps(passport), encoding="utf-8")
    return Workspace(workspace.root)


def evaluated(workspace: Workspace, run_id: str, suite: str, *scores: tuple[str, float]) -> RunFolder:
    """A finished evaluation of variants, each with its score."""
    found: list[dict[str, Any]] = [
        {"name": name, "n": 20, "score": score, "stderr": 0.1} for name, score in scores
    ]
    result = {"suite": suite, "variants": found}
    return lay_run(workspace, run_id, [Finished(status="finished", result=result)], "evaluate")


def exported(workspace: Workspace) -> Parts:
    return describe(workspace, "train-1")


def test_scores_are_of_variants_that_are_the_model_and_no_others(trained: Workspace) -> None:
    evaluated(trained, "evaluate-1", "s", ("tuned", 0.5), ("base", 0.1), ("train-1", 0.6))
    found = [(score.variant, score.score, score.run_id) for score in scores_of(trained, exported(trained))]
    assert found == [("train-1", 0.6, "evaluate-1"), ("tuned", 0.5, "evaluate-1")]


def test_the_newest_of_a_suite_counts(trained: Workspace) -> None:
    for number, score in enumerate((0.1, 0.2, 0.3)):
        folder = evaluated(trained, f"evaluate-{number}", "s", ("tuned", score))
        spec = folder.spec()
        spec.created = f"2026-02-0{number + 1}T10:00:00.000Z"
        (folder.path / "spec.json").write_bytes(msgspec.json.encode(spec))
    assert [score.score for score in scores_of(trained, exported(trained))] == [0.3]
    later = scores_of(trained, exported(trained), since="2026-02-04T00:00:00.000Z")
    assert later == []


def test_a_run_that_did_not_finish_says_nothing(trained: Workspace) -> None:
    lay_run(trained, "evaluate-1", [], "evaluate")
    assert scores_of(trained, exported(trained)) == []
    assert runs.list_folders(trained.paths.runs)
