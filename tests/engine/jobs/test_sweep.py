"""A sweep of real runs, in this process: a table, a winner; a run that cannot win is stopped early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs import reproducing, side_by_side
from engine.jobs.train import TrainParams
from engine.training.curves import agreement, curve_of
from store import runs
from store.errors import RefusedError, UsageError
from store.records.recipe import Lora, Recipe
from store.records.sweep import Sweep, SweepParams, SweepResult
from store.runs import RunFolder, read_events
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.workers import lay_run, run_here

pytestmark = pytest.mark.training

RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    method="lora",
    max_steps=6,
    batch_size=4,
    max_length=64,
    schedule="constant",
    checkpoint_every=0,
    lora=Lora(rank=4, alpha=8),
)


class Played(msgspec.Struct):
    """A sweep that was run to its end, and the workspace it was run in."""

    workspace: Any
    folder: Any
    result: SweepResult


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    home: Path = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        patch.setattr("engine.jobs.launch.start", run_here)
        yield make_workspace(home / "wallet")


@pytest.fixture(scope="module")
def played(here: Workspace) -> Played:
    """Three rates, of which the last learns nothing."""
    sweep = Sweep(question="Which rate?", grid={"learning_rate": [1e-2, 3e-3, 1e-7]})
    folder = run_here(here, "sweep", SweepParams(RECIPE, sweep), "a sweep")
    view = runs.view(folder)
    assert view.state == "finished", view.error
    return Played(here, folder, msgspec.convert(view.result, SweepResult))


def test_every_point_is_a_training_run_of_its_own(played: Played) -> None:
    trained = runs.list_folders(played.workspace.paths.runs, "train")
    assert {point.run_id for point in played.result.points} == {folder.run_id for folder in trained}


def test_the_winner_is_the_run_with_the_lowest_loss(played: Played) -> None:
    scores = {point.run_id: point.score for point in played.result.points}
    assert played.result.winner == min(scores, key=lambda run: scores[run] or 0.0)
    assert played.result.measure == "training loss"  # this dataset has no held-out rows
    assert played.result.effects[0].key == "learning_rate"


def test_runs_side_by_side_differ_only_in_what_was_varied(played: Played) -> None:
    found = side_by_side.compare(played.workspace, [point.run_id for point in played.result.points])
    assert found.differences == {"learning_rate": [1e-2, 3e-3, 1e-7]}
    assert all(len(run.curve.losses) == 6 for run in found.runs)
    assert found.runs[0].final_loss == played.result.points[0].score


def test_only_training_runs_are_compared(played: Played) -> None:
    with pytest.raises(UsageError, match="Only training runs"):
        side_by_side.compare(played.workspace, [played.folder.run_id, played.result.winner])


def first_run(played: Played) -> RunFolder:
    return runs.find(played.workspace.paths.runs, played.result.points[0].run_id)


def test_a_run_trained_again_has_the_same_losses(played: Played) -> None:
    again = reproducing.prepare(played.workspace, first_run(played))
    assert again.notes == []
    second = run_here(played.workspace, "train", again.params, "again")
    both = [curve_of(read_events(folder.events)) for folder in (first_run(played), second)]
    assert agreement(*both).verdict == "same"


def test_the_passport_leaves_nothing_to_auto_and_counts_what_the_mask_lets_through(played: Played) -> None:
    passport = reproducing.passport_of(first_run(played))
    assert passport.recipe.optimiser == "adamw"
    assert passport.recipe.precision == "float32"
    assert 0 < passport.trained_tokens < passport.total_tokens
    assert passport.rows == 8


def test_everything_that_has_changed_is_named_and_refused(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproducing, "fingerprint", lambda *given: "another")
    monkeypatch.setattr(reproducing, "sha256_of_text", lambda text: "another")
    with pytest.raises(RefusedError) as refused:
        reproducing.prepare(played.workspace, first_run(played))
    assert [line.split(":")[0] for line in refused.value.happened.splitlines()] == [
        "the base",
        "the template",
    ]


def test_a_dataset_that_is_gone_is_a_change(played: Played) -> None:
    passport = reproducing.passport_of(first_run(played))
    gone = msgspec.structs.replace(passport, dataset="chats@7")
    assert "no version 7" in reproducing.changed_data(played.workspace, reproducing.pinned(gone), gone)[0]


def test_other_libraries_are_told_and_do_not_refuse(played: Played) -> None:
    passport = reproducing.passport_of(first_run(played))
    other = msgspec.structs.replace(passport, versions={"torch": "1.0"}, device="a card")
    assert len(reproducing.other_surroundings(other)) == 2


def test_a_run_without_a_result_cannot_be_reproduced(played: Played) -> None:
    folder = lay_run(played.workspace, "train-without-result", [], "train")
    with pytest.raises(UsageError, match="with a result"):
        reproducing.prepare(played.workspace, folder)


def test_a_learning_curve_is_judged_on_held_out_rows(here: Workspace) -> None:
    held = msgspec.structs.replace(RECIPE, eval_dataset="chats", max_steps=2)
    folder = run_here(here, "sweep", SweepParams(held, Sweep(rows=[0.5, 1.0])), "a learning curve")
    result = msgspec.convert(runs.view(folder).result, SweepResult)
    assert result.measure == "held-out loss"
    assert result.enough in ("more would help", "more would not help")
    rows = [reproducing.passport_of(runs.find(here.paths.runs, point.run_id)).rows for point in result.points]
    assert rows == [4, 8]


def test_a_sweep_in_which_nothing_finishes_fails_with_the_first_error(here: Workspace) -> None:
    wrong = msgspec.structs.replace(RECIPE, max_length=100_000)
    folder = run_here(here, "sweep", SweepParams(wrong, Sweep(grid={"seed": [0, 1]})), "a sweep")
    view = runs.view(folder)
    assert view.state == "failed"
    assert view.error is not None
    assert "max_length" in view.error.happened


def test_a_learning_curve_without_held_out_rows_is_refused_before_anything_runs(here: Workspace) -> None:
    before = len(runs.list_folders(here.paths.runs, "train"))
    folder = run_here(here, "sweep", SweepParams(RECIPE, Sweep(rows=[0.5, 1.0])), "a learning curve")
    view = runs.view(folder)
    assert view.error is not None
    assert "temper data split chats" in view.error.remedy
    assert len(runs.list_folders(here.paths.runs, "train")) == before


def test_train_params_are_what_the_job_reads() -> None:
    assert msgspec.convert(msgspec.to_builtins(TrainParams(RECIPE)), TrainParams).recipe == RECIPE
