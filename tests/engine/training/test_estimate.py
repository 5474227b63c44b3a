"""The memory estimate: against what a real step takes on the CPU, and against arithmetic on large shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.models.directory import ModelDirectory
from engine.training.estimate import estimate
from engine.training.levers import defaults
from engine.training.shape import shape_of
from store.records.plan import Demand, MemoryEstimate
from store.records.recipe import Lora, Recipe
from tests.bases import recipe
from tests.engine.training.measuring import long_rows, peak_of, wide_base
from tests.engine.training.shapes import LARGE_CARD, PROCESSOR, full_rows, llama

ROWS, LENGTH = 4, 256
ERROR = 0.1
CASES: dict[str, dict[str, Any]] = {
    "lora": {"method": "lora"},
    "attention alone": {"method": "lora", "lora": Lora(rank=16, target="attention")},
    "all computed again": {"method": "lora", "recompute_layers": "all"},
    "two of three computed again": {"method": "lora", "recompute_layers": 2},
    "padded": {"method": "lora", "packing": False},
    "state in 8 bits": {"method": "lora", "optimiser": "adamw_8bit", "lora": Lora(rank=64)},
    "qlora": {"method": "qlora"},
    "full": {"method": "full"},
    "full, half of it frozen": {"method": "full", "freeze": "embeddings,0-1"},
}
OFTEN = ("lora", "all computed again", "qlora", "full")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    return ModelDirectory(wide_base(tmp_path_factory.mktemp("wide") / "base"))


@pytest.mark.training
@pytest.mark.parametrize(
    "case", [*OFTEN, *(pytest.param(case, marks=pytest.mark.slow) for case in CASES if case not in OFTEN)]
)
def test_the_estimate_is_within_a_tenth_of_what_a_real_step_takes(
    wide: ModelDirectory, tmp_path: Path, case: str
) -> None:
    asked = recipe(max_steps=2, batch_size=ROWS, max_length=LENGTH, **CASES[case])
    measured = peak_of(wide, asked, long_rows(2 * ROWS, LENGTH), tmp_path)
    resolved = defaults(asked, cuda=False)
    demand = Demand(ROWS * LENGTH, ROWS * LENGTH // 2, ROWS, LENGTH)
    found = estimate(shape_of(wide), resolved, demand, PROCESSOR).total_bytes
    assert found == pytest.approx(measured, rel=ERROR)


def on_card(**changes: Any) -> MemoryEstimate:
    asked = defaults(Recipe(batch_size=1, max_length=2048, **changes), cuda=True)
    return estimate(llama(), asked, full_rows(asked), LARGE_CARD)


def part(found: MemoryEstimate, name: str) -> int:
    return sum(one.bytes for one in found.parts if one.name == name)


def test_the_parts_make_the_whole() -> None:
    found = on_card()
    assert found.total_bytes == sum(one.bytes for one in found.parts)


def test_weights_in_four_bits_are_a_quarter_and_their_scales() -> None:
    shape = llama()
    outside = 2 * (shape.parameters - shape.matrix_parameters)
    assert part(on_card(), "weights") - outside == pytest.approx(
        shape.matrix_parameters * 4.127 / 8, rel=1e-4
    )
    assert part(on_card(method="lora"), "weights") == 2 * shape.parameters


def test_training_everything_takes_sixteen_bytes_a_weight_with_a_state_in_32_bits() -> None:
    found = on_card(method="full", optimiser="adamw")
    whole = part(found, "weights") + part(found, "gradients") + part(found, "optimiser")
    assert whole == 16 * llama().parameters


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"lora": Lora(rank=64)}, {"lora": Lora(rank=8)}),
        ({"recompute_layers": 0}, {"recompute_layers": 8}),
        ({"recompute_layers": 8}, {"recompute_layers": "all"}),
        ({"method": "full"}, {"method": "lora"}),
        ({"method": "lora"}, {"method": "qlora"}),
        ({"optimiser": "adamw"}, {"optimiser": "adamw_8bit"}),
        ({"double_quantisation": False}, {"double_quantisation": True}),
        ({"offload": "none"}, {"offload": "activations"}),
        ({"lora": Lora(dora=True)}, {"lora": Lora()}),
        ({"lora": Lora()}, {"lora": Lora(layers="16-31")}),
        ({"method": "full"}, {"method": "full", "freeze": "0-15"}),
    ],
)
def test_what_saves_memory_is_estimated_lower(more: dict[str, Any], less: dict[str, Any]) -> None:
    assert on_card(**less).total_bytes < on_card(**more).total_bytes


def test_attention_never_counts_tokens_by_tokens() -> None:
    once, twice = (
        part(estimate(llama(), one, full_rows(one), LARGE_CARD), "activations")
        for one in (defaults(Recipe(batch_size=1, max_length=length), cuda=True) for length in (8192, 16384))
    )
    assert twice == pytest.approx(2 * once, rel=0.05)
