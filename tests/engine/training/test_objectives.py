"""Every objective by every method, for real: what is learned, what stays as it was, what is left behind."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine.data.rendering import IGNORED, Row
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from store.hashing import sha256_of_file
from store.records.events import Evaluated, Step
from tests.engine.conftest import Trained
from tests.preferences import asked, data_for, run_on

pytestmark = pytest.mark.training

OBJECTIVES = ("sft", "text", "dpo", "kto", "orpo")
METHODS = ("lora", "qlora", "full")
EVERY = [(objective, method) for objective in OBJECTIVES for method in METHODS]
Runs = Callable[[str, str], Trained]


@pytest.fixture(scope="module")
def runs(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A run of each objective and method, made when first asked for."""
    made: dict[tuple[str, str], Trained] = {}

    def run(objective: str, method: str) -> Trained:
        if (objective, method) not in made:
            folder = tmp_path_factory.mktemp(f"{objective}-{method}")
            made[objective, method] = run_on(micro, folder, objective=objective, method=method)
        return made[objective, method]

    return run


def last_metrics(run: Trained) -> dict[str, float]:
    return [event for event in run.recorder.events if isinstance(event, Step)][-1].metrics


def logits_of(model: Any, rows: list[Row]) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        found = [model(input_ids=torch.tensor([row.input_ids])).logits[0] for row in rows[:3]]
    return torch.cat(found)


@pytest.mark.parametrize(("objective", "method"), EVERY)
def test_the_loss_of_every_objective_falls_by_every_method(runs: Runs, objective: str, method: str) -> None:
    losses = runs(objective, method).recorder.losses
    assert len(losses) == 6
    assert losses[-1] < 0.85 * losses[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_saved_adapter_gives_through_peft_the_logits_of_the_run(runs: Runs, objective: str) -> None:
    run = runs(objective, "lora")
    rows = data_for(run.base, asked(objective=objective)).rows
    base = AutoModelForCausalLM.from_pretrained(run.base)
    bare = logits_of(base, rows)
    loaded = logits_of(PeftModel.from_pretrained(base, run.adapter), rows)
    assert torch.allclose(loaded, logits_of(run.model, rows), atol=1e-4)
    assert (loaded - bare).abs().max() > 0.1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_model_that_was_trained_whole_is_a_base_like_any_other(runs: Runs, objective: str) -> None:
    run = runs(objective, "full")
    made = ModelDirectory(run.adapter)
    base = ModelDirectory(run.base)
    assert (made.config, made.shapes, made.dtype) == (base.config, base.shapes, base.dtype)
    assert made.chat_template == base.chat_template
    rows = data_for(run.base, asked(objective=objective)).rows
    loaded = logits_of(AutoModelForCausalLM.from_pretrained(made.path), rows)
    assert torch.allclose(loaded, logits_of(run.model, rows), atol=1e-4)


def test_no_run_changes_the_base_on_the_disk(runs: Runs, micro: Path) -> None:
    before = sha256_of_file(micro / "model.safetensors")
    for objective in OBJECTIVES:
        runs(objective, "full")
    assert sha256_of_file(micro / "model.safetensors") == before


@pytest.mark.parametrize("method", METHODS)
def test_the_margin_between_endings_begins_at_nothing_and_grows(runs: Runs, method: str) -> None:
    run = runs("dpo", method)
    steps = [event for event in run.recorder.events if isinstance(event, Step)]
    assert run.recorder.losses[0] == pytest.approx(math.log(2), abs=1e-6)  # reference and model are the same
    assert steps[0].metrics["reward_margin"] == pytest.approx(0, abs=1e-5)
    assert steps[-1].metrics["reward_margin"] > 0.5
    assert run.result.metrics["reward_accuracy"] == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_kto_makes_desirable_answers_likelier_and_the_others_less_likely(runs: Runs, method: str) -> None:
    run = runs("kto", method)
    assert run.recorder.losses[0] == pytest.approx(0.5, abs=1e-6)  # sigmoid(0) on either side
    assert last_metrics(run)["reward_chosen"] > 0.5
    assert last_metrics(run)["reward_rejected"] < -0.5


@pytest.mark.parametrize("method", METHODS)
def test_orpo_tells_endings_apart_while_it_learns_the_chosen_ones(runs: Runs, method: str) -> None:
    run = runs("orpo", method)
    steps = [event for event in run.recorder.events if isinstance(event, Step)]
    assert steps[-1].metrics["reward_margin"] > steps[0].metrics["reward_margin"] + 0.03
    assert steps[-1].metrics["reward_chosen"] > steps[0].metrics["reward_chosen"]


def ending(model: Any, row: Row) -> float:
    """Log-probability of a row's labels, by hand."""
    with torch.no_grad():
        scores = model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
    return sum(float(scores[at, label]) for at, label in enumerate(row.labels[1:]) if label != IGNORED)


def test_the_rewards_that_are_told_are_those_computed_by_hand(micro: Path, tmp_path: Path) -> None:
    data = data_for(micro, asked(objective="dpo"))
    data.heldout = TrainingData(data.rows[:4], data.rejected[:4])
    run = run_on(micro, tmp_path, data, objective="dpo", max_steps=3, eval_every=3, beta=0.3)
    first, told = [event for event in run.recorder.events if isinstance(event, Evaluated)]
    assert first.step == 0
    assert first.metrics["reward_margin"] == pytest.approx(0, abs=1e-5)
    base = AutoModelForCausalLM.from_pretrained(micro)
    before = [
        ending(base, good) - ending(base, bad) for good, bad in zip(data.rows, data.rejected, strict=True)
    ]
    tuned = PeftModel.from_pretrained(base, run.adapter).eval()
    after = [
        ending(tuned, good) - ending(tuned, bad) for good, bad in zip(data.rows, data.rejected, strict=True)
    ]
    by_hand = sum(0.3 * (new - old) for new, old in zip(after[:4], before[:4], strict=True)) / 4
    assert told.metrics["reward_margin"] == pytest.approx(by_hand, abs=1e-4)


def test_four_pairs_at_once_are_one_pair_four_times(micro: Path, tmp_path: Path) -> None:
    once = run_on(micro, tmp_path / "a", objective="dpo", batch_size=4)
    four = run_on(micro, tmp_path / "b", objective="dpo", batch_size=1, gradient_accumulation=4)
    assert once.recorder.losses == pytest.approx(four.recorder.losses, abs=2e-5)


@pytest.mark.parametrize("longest", [8, 15, 16, 17])
def test_every_token_of_a_long_text_is_predicted_once(micro: Path, longest: int) -> None:
    whole, cut = (data_for(micro, asked(objective="text", max_length=n)).rows for n in (4096, longest))
    assert [token for row in cut for token in row.labels[1:]] == [
        token for row in whole for token in row.labels[1:]
    ]
    assert max(len(row.input_ids) for row in cut) == longest
    assert min(len(row.input_ids) for row in cut) > 1
