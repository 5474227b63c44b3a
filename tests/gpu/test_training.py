"""Training on a CUDA card: the defaults it gets, and that it computes what the CPU computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from store.records.recipe import Lora, Recipe

pytestmark = [pytest.mark.gpu, pytest.mark.training]

STEPS = 5
# bf16 has 8 bits of precision, which is 4e-3 relative; the rest is headroom for 4-bit sums in another order
TOLERANCE = 2e-2


def losses(tmp_path: Path) -> list[float]:
    """The losses of a short run on the embedded model, on the device that training finds."""
    from engine.models.builtin import builtin_directory
    from engine.models.directory import ModelDirectory
    from engine.training.data import TrainingData
    from engine.training.session import train
    from scripts.gpu.rows import random_rows
    from tests.bases import Recorder

    base = ModelDirectory(builtin_directory("tiny"))
    recipe = Recipe(
        base="builtin:tiny",
        max_steps=STEPS,
        batch_size=4,
        learning_rate=1e-3,
        checkpoint_every=0,
        lora=Lora(rank=8, alpha=16),
    )
    recorder = Recorder()
    data = TrainingData(random_rows(int(base.config["vocab_size"]), STEPS * 4 * [64]))
    train(base, recipe, data, recorder, tmp_path / "run", tmp_path / "adapter")
    return recorder.losses


def test_a_card_gets_16_bits_and_the_paged_8_bit_optimiser() -> None:
    from engine.training.devices import find_device
    from engine.training.levers import defaults

    device = find_device()
    assert device.cuda
    assert device.compute in ("bfloat16", "float16")
    assert defaults(Recipe(), cuda=True).optimiser == "paged_adamw_8bit"


def test_the_base_is_in_nf4_with_double_quantisation_on_the_card() -> None:
    from engine.models.builtin import builtin_directory
    from engine.models.directory import ModelDirectory
    from engine.training.base import load_base
    from engine.training.devices import find_device

    model = load_base(ModelDirectory(builtin_directory("tiny")), Recipe(), find_device())
    weights: list[Any] = [part.weight for part in model.modules() if type(part).__name__ == "Linear4bit"]
    assert weights
    for weight in weights:
        assert weight.is_cuda
        assert weight.quant_type == "nf4"
        assert weight.quant_state.nested


def test_the_card_computes_the_losses_that_the_cpu_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.training.devices import DeviceDefaults

    on_the_card = losses(tmp_path / "card")
    cpu = DeviceDefaults("cpu", False, "float32")
    monkeypatch.setattr("engine.training.session.find_device", lambda: cpu)
    assert on_the_card == pytest.approx(losses(tmp_path / "cpu"), rel=TOLERANCE)
