"""Rungs of the ladder, and real runs that fall down it: their steps stay those that were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.data.rendering import IGNORED, Row
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.checkpoints import MemoryPlan
from engine.training.data import TrainingData
from engine.training.memory_ladder import (
    SHORTEST,
    fitted,
    is_out_of_memory,
    least_rows,
    next_divisor,
    next_rung,
    plan_of,
)
from store.errors import TemperError
from store.records.events import Checkpoint, Notice, Resumed, Step
from tests.bases import Recorder, recipe, rows_of


def row(tokens: int, answer_at: int, line: int = 1) -> Row:
    ids = list(range(tokens))
    return Row(ids, [IGNORED] * answer_at + ids[answer_at:], line)


DATA = TrainingData([row(400, 100), row(90, 10, line=2)])


def test_first_a_pass_gets_smaller_and_there_are_more_of_them() -> None:
    rung = next_rung(MemoryPlan(8, 2), DATA)
    assert rung is not None
    assert rung.plan == MemoryPlan(4, 4)


def test_a_batch_that_cannot_be_halved_evenly_is_divided_as_it_can_be() -> None:
    assert [next_divisor(size, size, 1) for size in (9, 7, 6, 2, 1)] == [3, 1, 3, 1, 0]


@given(st.integers(1, 64), st.integers(1, 16), st.sampled_from([1, 2]))
def test_no_rung_changes_the_rows_of_a_step_and_the_ladder_ends(size: int, passes: int, fewest: int) -> None:
    plan, rungs = MemoryPlan(size, passes), 0
    while rung := next_rung(plan, DATA, fewest):
        assert rung.plan.step_rows == plan.step_rows
        assert rung.plan.batch_size >= min(fewest, plan.batch_size)
        plan, rungs = rung.plan, rungs + 1
        assert rungs < 20
    assert plan.recompute_layers == "all"


def test_then_activations_are_computed_twice_and_last_rows_are_cut() -> None:
    plan = MemoryPlan(1, 8)
    twice = next_rung(plan, DATA)
    assert twice is not None
    assert twice.plan == msgspec.structs.replace(plan, recompute_layers="all")
    shorter = next_rung(twice.plan, DATA)
    assert shorter is not None
    assert shorter.plan.max_length == 200
    assert "lines 1" in shorter.text


def test_no_row_is_cut_so_far_that_nothing_of_it_is_trained() -> None:
    late = TrainingData([row(400, 390), row(90, 10)])
    plan = MemoryPlan(1, 1, "all")
    rung = next_rung(plan, late)
    assert rung is not None
    assert rung.plan.max_length == 391
    assert all(one.trained for one in fitted(late, rung.plan).rows)
    assert next_rung(rung.plan, fitted(late, rung.plan)) is None


def test_short_rows_are_left_alone() -> None:
    assert next_rung(MemoryPlan(1, 1, "all"), TrainingData([row(SHORTEST, 3)])) is None


def test_cutting_keeps_every_row_in_its_place_and_counts_what_went() -> None:
    cut = fitted(DATA, MemoryPlan(1, 1, "all", 200)).rows
    assert [len(one.input_ids) for one in cut] == [200, 90]
    assert (cut[0].cut_tokens, cut[0].cut_trained) == (200, 200)


def test_kto_keeps_two_rows_in_a_pass() -> None:
    asked = recipe(objective="kto", batch_size=4)
    rung = next_rung(MemoryPlan(2, 2), DATA, least_rows(asked))
    assert rung is not None
    assert rung.plan.batch_size == 2


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("shapes do not match"), False),
        (OSError("out of memory"), False),
    ],
)
def test_full_memory_is_known_by_what_is_raised(error: Exception, is_one: bool) -> None:
    assert is_out_of_memory(error) is is_one


class Narrow:
    """A device with room for `rows` rows in a pass; from step `begins` on, counted from 0."""

    def __init__(self, rows: int, begins: int, monkeypatch: pytest.MonkeyPatch) -> None:
        from transformers import Trainer

        whole = Trainer.training_step

        def step(trainer: Any, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            held = sum(label.eq(IGNORED).logical_not().any() for label in split(inputs))
            if trainer.state.global_step >= begins and held > rows:
                whole(trainer, model, inputs, *rest, **more)  # it had begun: random numbers are used up
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return whole(trainer, model, inputs, *rest, **more)

        monkeypatch.setattr(Trainer, "training_step", step)


def split(inputs: dict[str, Any]) -> list[torch.Tensor]:
    """The labels of each row of a batch, packed or padded."""
    if "position_ids" not in inputs:
        return list(inputs["labels"])
    starts = (inputs["position_ids"][0] == 0).nonzero()[:, 0].tolist()
    return list(inputs["labels"][0].tensor_split(starts[1:]))


def train(base: Path, folder: Path, **changes: Any) -> Recorder:
    recorder = Recorder()
    asked = recipe(method="lora", max_steps=4, schedule="linear", **changes)
    data = TrainingData(rows_of(base))
    session.train(ModelDirectory(base), asked, data, recorder, folder, folder / "adapter")
    return recorder


@pytest.mark.training
@pytest.mark.parametrize("begins", [0, 2])
def test_a_run_that_does_not_fit_goes_on_as_if_it_had_had_smaller_passes_from_the_start(
    begins: int, micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = train(micro, tmp_path / "small", batch_size=2, gradient_accumulation=2)
    Narrow(2, begins, monkeypatch)
    fell = train(micro, tmp_path / "fell", batch_size=4, gradient_accumulation=1)
    assert fell.losses == pytest.approx(small.losses, abs=1e-5)
    steps = [event.step for event in fell.events if isinstance(event, Step)]
    assert steps == [1, 2, 3, 4]  # no step is done twice
    (told,) = [event for event in fell.events if isinstance(event, Notice)]
    assert told.title == "Memory is full. Smaller forward passes"
    (on,) = [event for event in fell.events if isinstance(event, Resumed)]
    assert on.step == begins


@pytest.mark.training
def test_a_step_that_is_done_again_has_the_random_numbers_it_had(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropout = recipe().lora
    dropout = msgspec.structs.replace(dropout, dropout=0.3)
    before = train(micro, tmp_path / "a", batch_size=4, recompute_layers=0, lora=dropout)
    full = {"left": 1}
    from transformers import Trainer

    whole = Trainer.training_step

    def step(trainer: Any, *given: Any, **more: Any) -> Any:
        loss = whole(trainer, *given, **more)
        if trainer.state.global_step == 2 and full["left"]:
            full["left"] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return loss

    monkeypatch.setattr(Trainer, "training_step", step)
    # nothing smaller than four rows, so that the only rung left changes no result
    monkeypatch.setattr("engine.training.memory_ladder.least_rows", lambda asked: 4)
    again = train(micro, tmp_path / "b", batch_size=4, recompute_layers=0, lora=dropout)
    assert again.losses == pytest.approx(before.losses, abs=1e-6)
    saved = [event.step for event in again.events if isinstance(event, Checkpoint)]
    assert saved == [2]


@pytest.mark.training
def test_a_device_too_small_for_anything_ends_the_run_with_a_title(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Narrow(0, 0, monkeypatch)
    with pytest.raises(TemperError, match="memory is full"):
        train(micro, tmp_path, batch_size=2)


def test_the_plan_of_a_recipe_is_what_it_says() -> None:
    assert plan_of(recipe(batch_size=3, gradient_accumulation=5, recompute_layers=2)) == MemoryPlan(3, 5, 2)
