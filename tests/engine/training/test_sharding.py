"""Settings for weights divided over GPUs, as the trainer and accelerate read them. No GPU has tried them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trl import SFTConfig

from engine.training import settings
from engine.training.devices import DeviceDefaults
from engine.training.levers import defaults
from engine.training.processes import ALONE, Group
from store.records.recipe import Recipe

CARD = DeviceDefaults("a card", True, "bfloat16")


def given(group: Group, cuda: bool = True, **changes: Any) -> dict[str, Any]:
    recipe = defaults(Recipe(gradient_accumulation=8, **changes), cuda)
    return group.settings(settings.shared(recipe, CARD, Path("checkpoints")), recipe, cuda)


def arguments(**changes: Any) -> SFTConfig:
    """What the trainer makes of them, on a machine without a card."""
    return SFTConfig(**given(Group(1, 4), **changes) | {"use_cpu": True, "bf16": False})


def test_one_process_shards_nothing() -> None:
    assert "fsdp" not in given(ALONE)


def test_the_passes_of_a_step_are_divided_over_the_processes() -> None:
    assert given(ALONE)["gradient_accumulation_steps"] == 8
    assert given(Group(0, 4))["gradient_accumulation_steps"] == 2


def test_on_the_processor_every_process_has_all_weights() -> None:
    assert "fsdp" not in given(Group(0, 2), cuda=False)


def test_every_layer_is_sharded_by_the_second_version_of_fsdp() -> None:
    made: dict[str, Any] = arguments().fsdp_plugin_args
    assert made["fsdp_version"] == 2
    assert made["auto_wrap_policy"] == "TRANSFORMER_BASED_WRAP"
    assert made["reshard_after_forward"] is True
    assert made["cpu_ram_efficient_loading"] is False
    assert made["state_dict_type"] == "FULL_STATE_DICT"


@pytest.mark.parametrize(("layers", "again"), [("all", True), (4, True), (0, False)])
def test_activations_are_computed_again_by_fsdp_and_not_by_the_trainer_too(layers: Any, again: bool) -> None:
    made = arguments(recompute_layers=layers)
    assert made.fsdp_plugin_args["activation_checkpointing"] is again
    assert getattr(made, settings.RECOMPUTE) is False
