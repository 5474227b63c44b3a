"""`temper runs compare` and `temper runs reproduce`: figures, differences, verdicts, refusals."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.jobs.reproducing import Again
from engine.jobs.train import TrainParams
from store import clock, runs
from store.errors import RefusedError
from store.records.events import Event, Finished, Lease, Started, Step
from store.records.recipe import Lora, Recipe
from store.records.runs import JobKind, RunSpec
from store.runs import EventWriter, RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import METRICS
from tests.workers import lay_run

RECIPE = Recipe(base="tiny", dataset="support", lora=Lora(rank=4))


def lay_losses(workspace: Workspace, name: str, recipe: Recipe, *losses: float) -> RunFolder:
    """A finished training run with these losses."""
    spec = RunSpec(
        name,
        "train",
        clock.stamp(),
        str(workspace.root),
        params=msgspec.to_builtins(TrainParams(recipe)),
        title=f"a run called {name}",
    )
    folder = runs.create(workspace.paths.runs, spec)
    events: list[Event] = [Started(run_id=name, job="train", pid=1), Lease(device="cpu")]
    events += [Step(step=at + 1, loss=loss, total=len(losses)) for at, loss in enumerate(losses)]
    events.append(Finished(status="finished", result={"adapter": "artifacts/adapter", "metrics": METRICS}))
    writer = EventWriter(folder)
    for event in events:
        writer.emit(event)
    writer.close()
    return folder


@pytest.fixture
def two(workspace: Workspace) -> None:
    lay_losses(workspace, "train-one", RECIPE, 3.0, 2.0, 1.0)
    lay_losses(workspace, "train-two", msgspec.structs.replace(RECIPE, lora=Lora(rank=8)), 3.0, 1.0, 0.5)


@pytest.mark.usefixtures("two")
def test_two_runs_are_drawn_and_only_their_differences_listed(temper: Temper) -> None:
    ended = temper("runs", "compare", "train-one", "train-two")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert "lora.rank  4" in ended.out
    assert "learning_rate" not in ended.out
    assert "0.5000" in ended.out


@pytest.mark.usefixtures("two")
def test_json_has_curves_differences_and_scores(temper: Temper) -> None:
    answer = temper("runs", "compare", "train-one", "train-two", "--json").json()
    assert answer["differences"] == {"lora.rank": [4, 8]}
    assert answer["runs"][1]["curve"]["losses"] == [3.0, 1.0, 0.5]
    assert answer["runs"][0]["scores"] == []


@pytest.mark.usefixtures("two")
def test_scores_of_evaluations_stand_beside_the_curves(temper: Temper, workspace: Workspace) -> None:
    score = {"name": "train-two", "n": 10, "score": 0.8, "stderr": 0.1, "checks": {}}
    result = {"suite": "support", "variants": [score]}
    lay_run(workspace, "evaluate-1", [Finished(status="finished", result=result)], "evaluate")
    ended = temper("runs", "compare", "train-one", "train-two")
    assert "0.800" in ended.out
    assert "support" in ended.out


@pytest.mark.usefixtures("two")
def test_a_run_of_another_kind_is_refused(temper: Temper, workspace: Workspace) -> None:
    lay_run(workspace, "export-1", [Finished(status="finished")], "export")
    ended = temper("runs", "compare", "train-one", "export-1")
    assert (ended.code, "export" in ended.err) == (2, True)


@pytest.fixture
def again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """`reproduce` without a worker: nothing has changed, and the second run has these losses."""
    lay_losses(workspace, "train-first", RECIPE, 3.0, 2.0, 1.0)
    losses: list[float] = [3.0, 2.0, 1.0]

    def start(at: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str) -> RunFolder:
        return lay_losses(at, "train-second", RECIPE, *losses)

    monkeypatch.setattr("engine.jobs.launch.start", start)
    prepared = Again(TrainParams(RECIPE), ["torch was 1, is 2"])
    monkeypatch.setattr("engine.jobs.reproducing.prepare", lambda *given: prepared)
    return losses


def test_a_run_that_comes_out_the_same_is_called_the_same(temper: Temper, again: list[float]) -> None:
    ended = temper("runs", "reproduce", "train-first")
    assert (ended.code, "the same run" in ended.out) == (0, True)
    assert "torch was 1, is 2" in ended.err


def test_a_run_that_comes_out_different_ends_with_code_five(temper: Temper, again: list[float]) -> None:
    again[2] = 2.0
    ended = temper("runs", "reproduce", "train-first", "--json")
    assert ended.code == 5
    assert ended.json()["agreement"] == {"steps": 3, "largest": 1.0, "at_step": 3, "verdict": "different"}
    assert "temper runs compare train-first train-second" in ended.err


def test_what_has_changed_is_refused(
    temper: Temper, again: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*given: object) -> Again:
        raise RefusedError("It cannot be reproduced", "the base: other files", "Bring it back.")

    monkeypatch.setattr("engine.jobs.reproducing.prepare", refuse)
    ended = temper("runs", "reproduce", "train-first")
    assert (ended.code, "the base: other files" in ended.err) == (5, True)
