"""The loaded base trains the same whether it was measured before or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.models.directory import ModelDirectory
from engine.training.base import load_base
from engine.training.devices import find_device
from tests.bases import recipe

pytestmark = pytest.mark.training


def test_a_four_bit_base_that_was_measured_gives_the_gradients_that_it_gave_before(micro: Path) -> None:
    model = load_base(ModelDirectory(micro), recipe(method="qlora"), find_device())
    layers: list[Any] = [one for one in model.modules() if hasattr(one, "support_avx512bf16_for_cpu")]
    assert layers
    # by what decides on a processor that has it; the gradients themselves only differ there
    assert not any(one.support_avx512bf16_for_cpu for one in layers)
    before = gradient(model)
    with torch.no_grad():
        model.eval()(input_ids=torch.arange(8)[None])
    assert torch.equal(gradient(model), before)


def gradient(model: Any) -> torch.Tensor:
    """Of the sum of all logits, by the embedded text."""
    model.train()
    embedded = model.get_input_embeddings()(torch.arange(8)[None]).detach().requires_grad_()
    model(inputs_embeds=embedded).logits.float().square().sum().backward()
    found: torch.Tensor = embedded.grad
    return found
