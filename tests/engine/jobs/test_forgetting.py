"""The job `forgetting` behind a real training run: both sides are asked, the base once for several runs."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest

from engine.evals import stored
from engine.jobs.forgetting import ForgettingParams, verdict_of
from engine.jobs.train import TrainParams
from engine.models.adapters import adapter_folder, read_passport
from engine.training import preflight
from store import runs
from store.errors import TemperError
from store.records.events import Notice
from store.records.recipe import Recipe
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import events_of, run_here

RECIPE = Recipe(
    base="tiny", dataset="chats", method="lora", max_steps=2, batch_size=2, max_length=64, general=""
)
PACK = {
    "name": "pack",
    "cases": [
        {"id": f"c{n}", "input": f"Repeat: {word}", "slices": {"kind": "copying"}}
        for n, word in enumerate(("bread", "water", "stone"))
    ],
    "checks": [{"kind": "length", "min": 1}],
}


@pytest.mark.training
def test_the_pack_is_asked_before_and_after_and_the_base_only_once(workspace: Workspace) -> None:
    (workspace.root / "evals" / "pack.yaml").write_text(json.dumps(PACK), encoding="utf-8")
    trained = run_here(workspace, "train", TrainParams(RECIPE), "short")
    params = ForgettingParams(trained.run_id, "evals/pack.yaml")

    first = run_here(workspace, "forgetting", params, "pack")
    second = run_here(workspace, "forgetting", params, "pack")

    view = runs.view(first)
    assert view.state == "finished", view.error
    found = verdict_of(view.result)
    assert (found.run_id, found.difference.n, list(found.kinds)) == (trained.run_id, 3, ["copying"])
    assert [result.variant for result in stored.read(first.results)] == ["tiny"] * 3 + [trained.run_id] * 3
    assert all(result.cached for result in stored.read(second.results))
    noted = read_passport(adapter_folder(trained.path)).forgetting
    assert noted is not None
    assert (noted.run_id, noted.cases, noted.headline) == (second.run_id, 3, found.headline)


@pytest.mark.training
def test_a_run_that_was_asked_to_starts_the_pack_behind_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def start(workspace: Workspace, run_id: str, suite: str) -> RunFolder:
        asked.append((run_id, suite))
        return RunFolder(workspace.paths.runs / "forgetting-1")

    monkeypatch.setattr("engine.jobs.forgetting.start_after", start)
    (workspace.root / "evals" / "pack.yaml").write_text(json.dumps(PACK), encoding="utf-8")
    own = msgspec.structs.replace(RECIPE, forgetting="evals/pack.yaml")

    trained = run_here(workspace, "train", TrainParams(own, forgetting=True), "short")
    run_here(workspace, "train", TrainParams(own), "as of a sweep")

    assert asked == [(trained.run_id, "evals/pack.yaml")]
    assert runs.view(trained).result["forgetting"] == "forgetting-1"


@pytest.mark.training
def test_a_pack_that_cannot_start_leaves_the_training_run_as_it_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "engine.jobs.forgetting", None)  # as where a package is missing

    trained = run_here(workspace, "train", TrainParams(RECIPE, forgetting=True), "short")

    view = runs.view(trained)
    assert view.state == "finished", view.error
    assert "forgetting" not in view.result
    assert "What was forgotten is not asked" in [
        one.title for one in events_of(trained, Notice) if isinstance(one, Notice)
    ]


def test_a_suite_that_is_not_there_is_said_before_anything_is_trained(workspace: Workspace) -> None:
    recipe = msgspec.structs.replace(RECIPE, forgetting="evals/none.yaml")

    with pytest.raises(TemperError, match=r"none\.yaml is no file"):
        preflight.check(workspace, recipe)
