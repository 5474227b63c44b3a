"""The job `forgetting` behind a real training run: both sides are asked, the base once for several runs."""

from __future__ import annotations

import json

import pytest

from engine.evals import stored
from engine.jobs.forgetting import ForgettingParams, verdict_of
from engine.jobs.train import TrainParams
from store import runs
from store.records.recipe import Recipe
from store.workspace import Workspace
from tests.workers import run_here

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
