"""Real training through TRL, PEFT and bitsandbytes on a random model of two layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file

from engine.data.rendering import IGNORED
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from store.records.events import Checkpoint, Step
from tests.bases import Recorder, recipe, rows_of
from tests.engine.conftest import Trained, keeping_model, train_on

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def lora(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """All eight rows in one batch, the base in full precision."""
    return train_on(micro, tmp_path_factory.mktemp("lora"), method="lora", batch_size=8)


def adapter_layers(model: Any) -> list[Any]:
    return [layer for layer in model.modules() if isinstance(layer, LoraLayer)]


def test_the_loss_falls(trained: Trained) -> None:
    losses = trained.recorder.losses
    assert len(losses) == trained.result.steps == 100
    assert losses[-1] < 0.05 * losses[0]


def test_every_step_says_rate_and_estimate(trained: Trained) -> None:
    steps = [event for event in trained.recorder.events if isinstance(event, Step)]
    assert [step.step for step in steps] == list(range(1, 101))
    assert all(step.tokens_per_second > 0 and step.total == 100 for step in steps)
    assert steps[-1].eta_seconds == 0


def test_only_answer_tokens_carry_loss(lora: Trained, micro: Path) -> None:
    rows = rows_of(micro)
    # the answer, its stop token, and nothing of the question
    tokenizer = ModelDirectory(micro)
    assert all(row.labels[-1] == tokenizer.config["eos_token_id"] for row in rows)
    assert all(row.labels[0] == IGNORED and row.trained < len(row.labels) / 2 for row in rows)
    assert lora.recorder.losses[0] == pytest.approx(loss_by_hand(micro), rel=1e-5)


def loss_by_hand(base: Path) -> float:
    """Mean negative log-likelihood of the answers' tokens under the untrained base, a row at a time."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    total, count = 0.0, 0
    for row in rows_of(base):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
        for at, label in enumerate(row.labels[1:]):
            if label != IGNORED:
                total, count = total - float(logits[at, label]), count + 1
    return total / count


def test_the_base_is_not_changed(lora: Trained) -> None:
    stored = load_file(lora.base / "model.safetensors")
    now = lora.model.state_dict()
    for name, weight in stored.items():
        module, _, kind = name.rpartition(".")
        inside = f"{module}.base_layer.{kind}"
        assert torch.equal(now.get(inside, now.get(name)), weight), name


def test_all_linear_layers_carry_an_adapter(lora: Trained) -> None:
    assert len(adapter_layers(lora.model)) == 2 * 7  # q, k, v, o, gate, up, down


def test_four_rows_at_once_are_one_row_four_times(micro: Path, tmp_path: Path) -> None:
    once = train_on(micro, tmp_path / "a", method="lora", batch_size=4, gradient_accumulation=1)
    four = train_on(micro, tmp_path / "b", method="lora", batch_size=1, gradient_accumulation=4)
    assert once.recorder.losses == pytest.approx(four.recorder.losses, abs=2e-5)
    left, right = load_file(once.adapter / WEIGHTS), load_file(four.adapter / WEIGHTS)
    assert all(torch.allclose(left[name], right[name], atol=1e-3) for name in left)


def test_the_same_seed_gives_the_same_adapter(lora: Trained, micro: Path, tmp_path: Path) -> None:
    again = train_on(micro, tmp_path, method="lora", batch_size=8)
    assert again.recorder.losses == lora.recorder.losses


def test_qlora_holds_the_base_in_four_bits_with_doubly_quantised_scales(trained: Trained) -> None:
    from bitsandbytes.nn.modules import Linear4bit

    layers = [layer.base_layer for layer in adapter_layers(trained.model)]
    assert layers
    assert all(isinstance(layer, Linear4bit) for layer in layers)
    assert {layer.weight.quant_state.quant_type for layer in layers} == {"nf4"}
    assert all(layer.weight.quant_state.nested for layer in layers)


@pytest.mark.parametrize("method", ["qlora", "lora"])
def test_the_adapter_is_fp32_from_the_first_step_to_the_file(
    method: str, micro: Path, tmp_path: Path
) -> None:
    seen: list[set[torch.dtype]] = []

    class Looking(Recorder):
        def emit(self, event: Any) -> None:
            super().emit(event)
            if isinstance(event, Step):
                seen.append({one.dtype for one in kept[0].parameters() if one.requires_grad})

    asked, out = recipe(method=method, max_steps=2), tmp_path / "adapter"
    with keeping_model() as kept:
        session.train(ModelDirectory(micro), asked, TrainingData(rows_of(micro)), Looking(), tmp_path, out)
    assert seen == [{torch.float32}] * 2
    assert {one.dtype for one in load_file(out / WEIGHTS).values()} == {torch.float32}


def test_a_stopped_run_saves_the_adapter_of_its_last_step(micro: Path, tmp_path: Path) -> None:
    stopped = train_on(micro, tmp_path, stop_after=2, max_steps=50)
    assert (stopped.result.stopped, stopped.result.steps) == (True, 3)  # the step under way is finished
    assert (stopped.adapter / WEIGHTS).is_file()


def test_checkpoints_are_told_of_and_the_newest_two_kept(micro: Path, tmp_path: Path) -> None:
    run = train_on(micro, tmp_path, max_steps=6, checkpoint_every=2)
    told = [event.path for event in run.recorder.events if isinstance(event, Checkpoint)]
    assert told == [f"artifacts/checkpoints/checkpoint-{step}" for step in (2, 4, 6)]
    assert [(tmp_path / path).is_dir() for path in told] == [False, True, True]
