"""Runs that are tried on rows they do not train: what is told and when; the run learns the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from transformers import AutoModelForCausalLM, TrainerControl, TrainerState

from engine.data.rendering import IGNORED
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.checkpoints import newest
from engine.training.data import GeneralSet, TrainingData
from engine.training.heldout import HeldOut, standing
from engine.training.scoring import score
from engine.training.trial import Trial
from store.records.batch import Samples
from store.records.events import Evaluated, Event, Notice, Probed
from tests.bases import EXAMPLES, Recorder, rows_of
from tests.engine.conftest import Trained
from tests.preferences import asked, data_for, run_on

pytestmark = pytest.mark.training


def tried_data(base: Path, heldout: bool = False, objective: str = "sft") -> TrainingData:
    """Data whose held-out rows are its last three, with three general rows, tokens backwards."""
    data = data_for(base, asked(objective=objective))
    kept = TrainingData(data.rows[5:], data.rejected[5:], data.desirable[5:])
    found = TrainingData(data.rows[:5], data.rejected[:5], data.desirable[:5], tried=kept, tried_of=3)
    if heldout:
        found.heldout = kept
    general = rows_of(base, EXAMPLES[:3])
    for row in general:
        row.input_ids, row.labels = row.input_ids[::-1], [IGNORED, *row.input_ids[::-1][1:]]
    found.general = GeneralSet("backwards", general, ["one", "two", "two"])
    return found


def told(run: Trained, kind: type[Event]) -> list[Any]:
    return [event for event in run.recorder.events if isinstance(event, kind)]


def loss_by_hand(base: Path, data: TrainingData) -> float:
    model = AutoModelForCausalLM.from_pretrained(base)
    total, count = 0.0, 0
    for row in data.general.rows if data.general else []:
        with torch.no_grad():
            scores = model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
        total -= sum(float(scores[at, label]) for at, label in enumerate(row.labels[1:]))
        count += len(row.labels) - 1
    return total / count


def test_without_held_out_rows_the_general_loss_is_told_at_both_ends(micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro)
    data.tried = None
    run = run_on(micro, tmp_path, data, max_steps=3)
    first, last = told(run, Probed)
    assert (first.step, last.step) == (0, 3)
    assert first.general_loss == pytest.approx(loss_by_hand(micro, data), abs=1e-4)
    assert last.general_loss != first.general_loss
    assert run.result.outcome.general.before.loss == pytest.approx(first.general_loss)
    assert set(run.result.outcome.kinds) == {"one", "two"}
    assert run.result.outcome.task is None


def test_every_evaluation_tells_both_losses_and_step_0_is_the_model_as_it_was(
    micro: Path, tmp_path: Path
) -> None:
    data = tried_data(micro, heldout=True)
    run = run_on(micro, tmp_path, data, max_steps=4, eval_every=2, checkpoint_every=2)
    found = told(run, Evaluated)
    assert [event.step for event in found] == [0, 2, 4]
    assert found[0].general_loss == pytest.approx(loss_by_hand(micro, data), abs=1e-4)
    assert all(event.general_loss is not None for event in found)
    assert not found[0].best
    assert run.result.best_step in (2, 4)
    assert told(run, Probed) == []
    points = run.result.outcome.points
    assert [(point.step, point.task_loss, point.general_loss) for point in points] == [
        (event.step, event.loss, event.general_loss) for event in found
    ]
    assert [point.checkpoint for point in points][1:] == [
        f"artifacts/checkpoints/checkpoint-{step}" for step in (2, 4)
    ]


def test_the_base_is_never_the_best_of_a_run(micro: Path, tmp_path: Path) -> None:
    recorder, model = Recorder(), torch.nn.Linear(2, 2)
    trial = Trial(recorder, TrainingData(rows_of(micro)), tmp_path, torch.float32)
    watch = HeldOut(recorder, asked(max_steps=9, eval_every=4, patience=1), tmp_path, trial)
    state, control = TrainerState(max_steps=9), TrainerControl()
    arguments: Any = None
    for step, loss in ((0, 1.0), (4, 2.0)):
        state.global_step = step
        state.log_history.append({"eval_loss": loss, "step": step})
        watch.on_evaluate(arguments, state, control, {"eval_loss": loss}, model)
    assert watch.best == (4, 2.0)
    assert not watch.ended
    assert standing(state.log_history) == ((4, 2.0), 4, 0)  # nor is it that of a run that goes on


def test_what_the_run_learned_is_counted_on_the_rows_that_were_tried(micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro)
    data.tried = TrainingData(data.rows)
    run = run_on(micro, tmp_path, data, batch_size=5, max_steps=12, learning_rate=1e-2)
    task = run.result.outcome.task
    assert (task.before.rows, task.before.tokens) == (5, sum(row.trained for row in data.rows))
    assert task.before.loss == pytest.approx(run.recorder.losses[0], rel=1e-3)
    assert task.after.loss < 0.5 * task.before.loss
    assert task.after.accuracy > task.before.accuracy
    samples = msgspec.json.decode((tmp_path / "artifacts" / "samples.json").read_bytes(), type=Samples)
    assert samples.loss == pytest.approx(task.after.loss)
    assert samples.worst[0].loss >= samples.best[-1].loss
    assert samples.step == 12


@pytest.mark.parametrize("objective", ["sft", "dpo", "kto", "orpo"])
def test_trying_a_run_changes_nothing_that_it_learns(objective: str, micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro, objective=objective)
    plain = msgspec.structs.replace(data, tried=None, general=None)
    left = run_on(micro, tmp_path / "a", data, objective=objective, batch_size=2, max_steps=4)
    right = run_on(micro, tmp_path / "b", plain, objective=objective, batch_size=2, max_steps=4)
    assert left.recorder.losses == right.recorder.losses
    assert right.result.outcome is None
    assert told(right, Probed) == []


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_a_preference_run_tells_how_many_pairs_it_gets_right_before_and_behind(
    objective: str, micro: Path, tmp_path: Path
) -> None:
    data = tried_data(micro, objective=objective)
    data.tried = TrainingData(data.rows, data.rejected)
    run = run_on(micro, tmp_path, data, objective=objective, max_steps=12, learning_rate=1e-2)
    task = run.result.outcome.task
    assert 0 <= task.before.preferred < task.after.preferred == 1.0
    assert task.before.rows == 5


def test_kto_counts_the_desirable_answers(micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro, objective="kto")
    data.tried = TrainingData(data.rows, desirable=data.desirable)
    run = run_on(micro, tmp_path, data, objective="kto", max_steps=2)
    task = run.result.outcome.task
    assert task.before.rows == sum(data.desirable)
    assert task.before.preferred is None


def test_a_preference_run_on_a_model_that_knows_nothing_is_warned_of_before_its_first_step(
    micro: Path, tmp_path: Path
) -> None:
    data = tried_data(micro, objective="dpo")
    data.tried = TrainingData(data.rows, data.rejected)
    run = run_on(micro, tmp_path, data, objective="dpo", max_steps=1)
    heard = run.recorder.events
    titles = [event.title if isinstance(event, Notice) else type(event).__name__ for event in heard]
    assert titles.index("The model hardly knows the chosen answers") < titles.index("Step")


def test_a_run_that_goes_on_counts_from_where_it_began(micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro, heldout=True)
    settings: dict[str, Any] = {"eval_every": 2, "checkpoint_every": 2}
    whole = run_on(micro, tmp_path / "whole", data, max_steps=4, **settings)
    recorder, folder = Recorder(stop_after=2), tmp_path / "parts"
    recipe = asked(max_steps=4, **settings)
    base, out = ModelDirectory(micro), folder / "artifacts" / "adapter"
    assert session.train(base, recipe, data, recorder, folder, out).outcome is None  # somebody waits
    saved, _ = newest(folder / "artifacts" / "checkpoints")
    assert saved is not None
    result = session.train(base, recipe, data, Recorder(), folder, out, resume=saved)
    assert result.outcome is not None
    assert whole.result.outcome is not None
    left, right = (msgspec.to_builtins(one) for one in (result.outcome, whole.result.outcome))
    assert left["task"]["before"] == right["task"]["before"]
    assert left["task"]["after"]["loss"] == pytest.approx(right["task"]["after"]["loss"], abs=1e-6)
    assert [(one["step"], one["general_loss"]) for one in left["points"]] == [
        (one["step"], pytest.approx(one["general_loss"], abs=1e-6)) for one in right["points"]
    ]


def test_memory_that_has_no_room_for_it_costs_the_trial_and_not_the_run(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("engine.training.trial.score", full)
    run = run_on(micro, tmp_path, tried_data(micro), max_steps=2)
    assert run.result.steps == 2
    assert run.result.outcome is None
    warned = [event for event in told(run, Notice) if event.level == "warn"]
    assert [event.title for event in warned] == ["What the run gains and loses is not measured"]


def test_a_full_run_is_tried_as_it_is_saved(micro: Path, tmp_path: Path) -> None:
    data = tried_data(micro)
    data.tried = TrainingData(data.rows)
    run = run_on(micro, tmp_path, data, method="full", max_steps=4, learning_rate=1e-3)
    saved = score(AutoModelForCausalLM.from_pretrained(run.adapter), data.rows)
    loss = -sum(one.log_prob for one in saved) / sum(one.tokens for one in saved)
    assert run.result.outcome.task.after.loss == pytest.approx(loss, abs=1e-5)
