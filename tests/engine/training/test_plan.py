"""Fitting a run to a device: what is chosen, what is never changed, what is offered where nothing fits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.training.plan import HEADROOM, alternatives, plan, with_changes
from store.records.plan import Machine, TrainingPlan
from store.records.recipe import Lora, Recipe
from tests.engine.training.shapes import GIB, LARGE_CARD, PROCESSOR, SMALL_CARD, full_rows, llama


def planned(machine: Machine, **changes: Any) -> TrainingPlan:
    asked = Recipe(**{"batch_size": 4, "gradient_accumulation": 4, "max_length": 2048} | changes)
    return plan(llama(), asked, machine, full_rows)


@pytest.mark.parametrize("machine", [SMALL_CARD, LARGE_CARD, PROCESSOR])
def test_the_effective_batch_is_kept(machine: Machine) -> None:
    chosen = planned(machine).recipe
    assert chosen.batch_size * chosen.gradient_accumulation == 16


@pytest.mark.parametrize("machine", [SMALL_CARD, LARGE_CARD, PROCESSOR])
def test_nothing_is_left_to_auto(machine: Machine) -> None:
    raw = msgspec.to_builtins(planned(machine).recipe)
    undecided = {key for key, value in raw.items() if value == "auto"}
    assert undecided <= {"micro_batch", "rehearse"}


def test_a_small_card_computes_more_again_than_a_large_one() -> None:
    small, large = planned(SMALL_CARD, max_length=4096), planned(LARGE_CARD, max_length=4096)
    assert small.estimate.fits
    assert large.estimate.fits
    assert isinstance(small.recipe.recompute_layers, int)
    assert isinstance(large.recipe.recompute_layers, int)
    assert large.recipe.recompute_layers < small.recipe.recompute_layers


def test_scales_are_quantised_only_where_memory_is_short() -> None:
    assert planned(LARGE_CARD).recipe.double_quantisation is False
    needed = planned(LARGE_CARD, double_quantisation=False, recompute_layers="all", micro_batch="as_written")
    free = round(needed.estimate.total_bytes / HEADROOM) - 1
    tight = Machine("a card that is a byte too small", True, free, free)
    found = planned(tight, recompute_layers="all", micro_batch="as_written", offload="none")
    assert found.estimate.fits
    assert found.recipe.double_quantisation is True


def test_some_of_the_free_memory_is_left_over() -> None:
    found = planned(SMALL_CARD).estimate
    assert found.total_bytes <= HEADROOM * SMALL_CARD.free_bytes


def test_what_a_person_wrote_is_never_changed() -> None:
    written: dict[str, Any] = {
        "micro_batch": "as_written",
        "recompute_layers": 3,
        "double_quantisation": True,
        "offload": "none",
        "optimiser": "lion_8bit",
        "precision": "float16",
    }
    chosen = planned(LARGE_CARD, **written).recipe
    assert {key: getattr(chosen, key) for key in written} == written
    assert chosen.batch_size == 4


def test_kto_keeps_the_passes_it_makes_its_pairs_of() -> None:
    assert planned(SMALL_CARD, objective="kto").recipe.batch_size == 4


def test_the_processor_runs_what_is_written() -> None:
    chosen = planned(PROCESSOR).recipe
    assert (chosen.batch_size, chosen.recompute_layers, chosen.precision) == (4, 0, "float32")
    assert chosen.optimiser == "adamw"


def test_an_older_card_computes_in_float16() -> None:
    older = Machine("an older card", True, 24 * GIB, 23 * GIB, bfloat16=False)
    assert planned(older).recipe.precision == "float16"


def test_what_would_fit_is_told_where_the_plan_does_not() -> None:
    found = planned(SMALL_CARD, method="lora", max_length=8192)
    if found.estimate.fits:  # then ask for more than any adapter leaves room for
        found = planned(SMALL_CARD, method="full")
    assert not found.estimate.fits
    fitting = [one for one in found.alternatives if one.fits]
    assert fitting
    assert any(one.changes.get("method") == "qlora" for one in fitting)


def test_an_alternative_is_what_the_estimate_says_of_it() -> None:
    found = planned(SMALL_CARD, method="full")
    for one in found.alternatives:
        assert one.total_bytes < found.estimate.total_bytes
        assert one.fits == (one.total_bytes <= HEADROOM * SMALL_CARD.free_bytes)


def test_changes_are_gathered_where_none_alone_is_enough() -> None:
    tiny = Machine("a card of 7 GB", True, 7 * GIB, 7 * GIB)
    found = planned(tiny, method="full", micro_batch="as_written")
    assert len(found.alternatives) == 1
    assert len(found.alternatives[0].changes) > 2


def test_a_fitting_plan_offers_nothing_else() -> None:
    assert planned(LARGE_CARD).alternatives == []


def test_a_change_reaches_into_a_table() -> None:
    changed = with_changes(Recipe(lora=Lora(rank=64)), {"lora.rank": 8, "max_length": 64})
    assert (changed.lora.rank, changed.lora.alpha, changed.max_length) == (8, Lora().alpha, 64)


def test_alternatives_never_shorten_rows_before_they_have_to() -> None:
    chosen = planned(SMALL_CARD, method="full").recipe
    single = alternatives(llama(), chosen, LARGE_CARD, full_rows)
    assert any("max_length" not in one.changes for one in single)
