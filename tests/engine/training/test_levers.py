"""Recipe fields as the trainer's arguments: defaults per device, optimisers, schedules, epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import get_scheduler
from transformers.training_args import OptimizerNames
from trl import DPOConfig, KTOConfig, SFTConfig

from engine.training.devices import DeviceDefaults
from engine.training.levers import OPTIMISERS, defaults, optimiser_settings, schedule_settings, with_steps
from engine.training.settings import shared
from store.records.recipe import Optimiser, Recipe, Schedule

STEPS, WARMUP, PEAK = 100, 10, 1e-3


def rates(**changes: Any) -> list[float]:
    """The learning rate of every step, by Transformers' own schedule."""
    asked = Recipe(max_steps=STEPS, warmup_steps=WARMUP, learning_rate=PEAK, **changes)
    given = schedule_settings(asked)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=PEAK)
    schedule = get_scheduler(
        given["lr_scheduler_type"],
        optimiser,
        num_warmup_steps=given["warmup_steps"],
        num_training_steps=STEPS,
        scheduler_specific_kwargs=given.get("lr_scheduler_kwargs"),
    )
    found = []
    for _ in range(STEPS):
        optimiser.step()
        found.append(schedule.get_last_lr()[0])
        schedule.step()
    return found


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_every_schedule_rises_to_the_peak_after_the_warm_up(schedule: Schedule) -> None:
    found = rates(schedule=schedule)
    assert found[0] == 0
    assert found[WARMUP] == pytest.approx(PEAK)
    assert max(found) == pytest.approx(PEAK)


@pytest.mark.parametrize(("schedule", "end"), [("linear", 0), ("cosine", 0), ("constant", 1), ("wsd", 0)])
def test_a_schedule_ends_where_its_name_says(schedule: Schedule, end: float) -> None:
    assert rates(schedule=schedule)[-1] == pytest.approx(end * PEAK, abs=0.05 * PEAK)


@pytest.mark.parametrize("schedule", ["cosine", "wsd"])
def test_the_final_rate_is_a_share_of_the_peak(schedule: Schedule) -> None:
    assert rates(schedule=schedule, final_rate=0.25)[-1] == pytest.approx(0.25 * PEAK, rel=0.1)


def test_wsd_keeps_its_rate_until_the_last_part() -> None:
    found = rates(schedule="wsd", decay_ratio=0.2)
    assert found[79] == pytest.approx(PEAK)
    assert found[90] < 0.7 * PEAK


def test_restarts_come_back_to_the_peak() -> None:
    found = rates(schedule="cosine_restarts", cycles=3)
    assert sum(abs(rate - PEAK) < 1e-9 for rate in found) == 3


@pytest.mark.parametrize("optimiser", [one for one in get_args(Optimiser) if one != "auto"])
def test_every_optimiser_is_one_of_the_trainers(optimiser: Optimiser) -> None:
    assert OPTIMISERS[optimiser] in {one.value for one in OptimizerNames}


def test_betas_and_clipping_reach_the_trainer() -> None:
    given = optimiser_settings(Recipe(optimiser="adamw", betas=(0.8, 0.95), max_grad_norm=0.3))
    assert (given["adam_beta1"], given["adam_beta2"], given["max_grad_norm"]) == (0.8, 0.95, 0.3)


@pytest.mark.parametrize("cuda", [True, False])
def test_defaults_leave_nothing_undecided_and_change_nothing_that_is_written(cuda: bool) -> None:
    whole = defaults(Recipe(seed=7), cuda)
    assert "auto" not in (whole.optimiser, whole.precision, whole.recompute_layers, whole.offload)
    assert whole.data_seed == 7
    assert defaults(whole, not cuda) == whole


def test_epochs_become_steps_and_the_warm_up_a_share_of_them() -> None:
    asked = Recipe(epochs=3, batch_size=4, gradient_accumulation=2, warmup_ratio=0.1)
    found = with_steps(asked, rows=100)
    assert (found.max_steps, found.warmup_steps) == (38, 4)
    assert with_steps(found, rows=5) == found


def test_a_part_of_an_epoch_is_at_least_one_step() -> None:
    assert with_steps(Recipe(epochs=0.01, batch_size=8), rows=3).max_steps == 1


def offloaded(cuda: bool, **changes: Any) -> bool:
    """Whether the trainer is told to keep activations on the host."""
    device = DeviceDefaults("some device", cuda, "bfloat16" if cuda else "float32")
    asked = defaults(Recipe(offload="activations", **changes), cuda)
    return bool(shared(asked, device, Path("runs")).get("activation_offloading"))


def test_activations_wait_on_the_host_where_the_recipe_says_so_and_a_card_computes() -> None:
    assert offloaded(True)
    assert not offloaded(False)
    assert not offloaded(True, objective="orpo")
    assert "activation_offloading" not in shared(
        defaults(Recipe(), True), DeviceDefaults("some card", True, "bfloat16"), Path("runs")
    )


@pytest.mark.parametrize("config", [SFTConfig, DPOConfig, KTOConfig])
def test_the_trainers_that_are_told_know_what_that_means(config: Any) -> None:
    assert "activation_offloading" in config.__dataclass_fields__
