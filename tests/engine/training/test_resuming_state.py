"""What an interrupted run brings along besides its weights: what it started from, its best, its patience."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import TrainerCallback

from engine.training.checkpoints import newest, verify
from engine.training.data import TrainingData
from engine.training.heldout import BEST
from store.records.events import Evaluated
from tests.bases import Recorder
from tests.engine.training.interrupted import KINDS, data_for, last_good, run, same, same_weights
from tests.forks import dies

pytestmark = pytest.mark.training

SLOW = pytest.mark.slow
# what an earlier adapter is trained further by; kto cannot be measured against it
STARTED: dict[str, dict[str, Any]] = {
    "lora": {},
    "qlora": {},
    "text": {},
    "dpo": {},
    "dpo on the base": {"reference": "base"},
    "orpo": {},
    "kto": {"reference": "base"},
}
SPOILT = 5


class Spoiling(TrainerCallback):
    """Makes the weights much worse behind step SPOILT: what was best before that stays the best.

    `noise` is what does it to a model that has learned little: larger steps would help such a one.
    """

    def __init__(self, noise: float) -> None:
        self._noise = noise

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
        if state.global_step == SPOILT:
            drawn = torch.Generator().manual_seed(0)
            with torch.no_grad():
                for one in model.parameters():
                    if one.requires_grad:
                        one.mul_(8).add_(torch.randn(one.shape, generator=drawn), alpha=self._noise)


@pytest.fixture(scope="module")
def earlier(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of an earlier run."""
    folder = tmp_path_factory.mktemp("earlier")
    run(micro, folder, max_steps=4, seed=5)
    return folder / "artifacts" / "out"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ("qlora", "dpo") else SLOW) for n in STARTED]
)
def test_a_run_that_trains_an_earlier_adapter_further_goes_on_as_if_it_had_not_been_stopped(
    name: str, micro: Path, earlier: Path, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"kind": name.split(" ")[0], "start": earlier, **STARTED[name]}
    whole, result = run(micro, tmp_path / "whole", **how)
    run(micro, tmp_path / "cut", Recorder(stop_after=2), **how)
    resumed, end = run(micro, tmp_path / "cut", resume=last_good(tmp_path / "cut"), **how)
    same(resumed, whole)
    assert end.metrics == pytest.approx(result.metrics, abs=1e-5)
    same_weights(tmp_path / "cut", tmp_path / "whole")


def opposed(micro: Path, kind: str) -> TrainingData:
    """Rows to train on, and held-out rows that say otherwise: learning soon makes those less likely."""
    data = data_for(micro, kind)
    match KINDS[kind].get("objective", "sft"):
        case "dpo" | "orpo":
            data.heldout = TrainingData(data.rejected, data.rows)
        case "kto":
            data.heldout = TrainingData(data.rows, desirable=[not good for good in data.desirable])
        case _:
            data.heldout = TrainingData(data_for(micro, "dpo").rejected)
    return data


def measured(micro: Path, kind: str = "lora", **changes: Any) -> dict[str, Any]:
    """A run with held-out rows whose best weights are not its last ones."""
    spoiling = Spoiling(0.5 if kind in ("lora", "text") else 0.0)
    given: dict[str, Any] = {"kind": kind, "data": opposed(micro, kind), "callbacks": (spoiling,)}
    return given | {"eval_every": 2, "checkpoint_every": 3} | changes


def early(micro: Path, **changes: Any) -> dict[str, Any]:
    """A run that ends soon, since nothing gets better any more."""
    return measured(micro, eval_every=1, checkpoint_every=1, max_steps=30, **changes)


def evaluations(recorder: Recorder) -> dict[int, float]:
    return {event.step: event.loss for event in recorder.events if isinstance(event, Evaluated)}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in ("lora", "dpo") else SLOW) for k in KINDS])
def test_held_out_losses_and_the_best_weights_are_those_of_a_run_that_was_not_stopped(
    kind: str, micro: Path, tmp_path: Path
) -> None:
    how = measured(micro, kind)
    whole, result = run(micro, tmp_path / "whole", **how)
    assert result.best_step < SPOILT  # else there is nothing to keep
    cut, _ = run(micro, tmp_path / "cut", Recorder(stop_after=4), **how)
    resumed, end = run(micro, tmp_path / "cut", resume=last_good(tmp_path / "cut"), **how)
    assert evaluations(cut) | evaluations(resumed) == pytest.approx(evaluations(whole), abs=1e-6)
    assert (end.best_step, end.heldout_loss) == (
        result.best_step,
        pytest.approx(result.heldout_loss, abs=1e-6),
    )
    same_weights(tmp_path / "cut", tmp_path / "whole")


def step_of(file: Path) -> str:
    with safe_open(file, framework="pt") as opened:
        return str(opened.metadata()["step"])


def test_the_best_weights_belong_to_a_checkpoint_and_come_back_with_it(micro: Path, tmp_path: Path) -> None:
    how = measured(micro)
    run(micro, tmp_path, Recorder(stop_after=4), **how)
    found = last_good(tmp_path)
    assert BEST in verify(found.path).files
    best = tmp_path / "artifacts" / BEST
    assert not best.exists()  # the stopped run's own result holds them
    kept = step_of(found.path / BEST)
    dies(
        partial(run, micro, tmp_path, resume=found, **how),
        "engine.training.callbacks.StepReporter.on_step_end",
    )
    assert step_of(best) == kept


def test_a_run_that_ended_early_and_died_before_it_was_saved_does_not_train_on(
    micro: Path, tmp_path: Path
) -> None:
    how = early(micro, patience=2, keep_best=False)
    _, result = run(micro, tmp_path / "whole", **how)
    assert result.ended_early
    assert result.steps < 30
    dies(partial(run, micro, tmp_path / "cut", **how), "engine.training.session.results.save")
    found, _ = newest(tmp_path / "cut" / "artifacts" / "checkpoints")
    assert found is not None
    assert found.manifest.step == result.steps
    recorder, end = run(micro, tmp_path / "cut", resume=found, **how)
    assert recorder.losses == []
    assert (end.ended_early, end.stopped, end.steps) == (True, False, result.steps)
    same_weights(tmp_path / "cut", tmp_path / "whole")


def test_patience_counts_what_was_measured_before_the_interruption(micro: Path, tmp_path: Path) -> None:
    how = early(micro, patience=3)
    _, result = run(micro, tmp_path / "whole", **how)
    run(micro, tmp_path / "cut", Recorder(stop_after=result.steps - 2), **how)
    _, end = run(micro, tmp_path / "cut", resume=last_good(tmp_path / "cut"), **how)
    assert (end.ended_early, end.steps, end.best_step) == (True, result.steps, result.best_step)
    same_weights(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("engine.training.heldout.HeldOut._write", 1),
        pytest.param("transformers.trainer.Trainer.evaluation_loop", 2, marks=SLOW),
        pytest.param("engine.training.heldout.HeldOut.restore", 1, marks=SLOW),
        ("engine.training.heldout.HeldOut.forget", 1),
        pytest.param("engine.training.saving.shared", 2, marks=SLOW),
    ],
)
def test_a_run_killed_while_it_measures_or_keeps_its_best_has_the_same_result_in_the_end(
    function: str, call: int, micro: Path, tmp_path: Path
) -> None:
    how = measured(micro)
    _, result = run(micro, tmp_path / "whole", **how)
    dies(partial(run, micro, tmp_path / "cut", **how), function, call)
    found, passed = newest(tmp_path / "cut" / "artifacts" / "checkpoints")
    assert passed == []
    _, end = run(micro, tmp_path / "cut", resume=found, **how)
    assert (end.best_step, end.steps) == (result.best_step, result.steps)
    same_weights(tmp_path / "cut", tmp_path / "whole")
