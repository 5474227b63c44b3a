"""The memory estimate against what a card's allocator reports for real steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from store.records.plan import Demand
from store.records.recipe import Lora
from tests.bases import Recorder, recipe

pytestmark = [pytest.mark.gpu, pytest.mark.training]

ROWS, LENGTH = 4, 1024
ERROR = 0.1
CASES: dict[str, dict[str, Any]] = {
    "lora": {"method": "lora", "recompute_layers": 0},
    "all computed again": {"method": "lora", "recompute_layers": "all"},
    "two of three computed again": {"method": "lora", "recompute_layers": 2},
    "qlora": {"method": "qlora", "recompute_layers": 0},
    "scales in float32": {"method": "qlora", "recompute_layers": 0, "double_quantisation": False},
    "dora": {"method": "lora", "recompute_layers": 0, "lora": Lora(rank=16, dora=True)},
    "full": {"method": "full", "recompute_layers": 0, "optimiser": "adamw"},
}


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_within_a_tenth_of_the_cards_peak(case: str, tmp_path: Path) -> None:
    import torch

    from engine.models.directory import ModelDirectory
    from engine.training import session
    from engine.training.estimate import CUDA_CONTEXT, estimate
    from engine.training.levers import defaults
    from engine.training.machine import find_machine
    from engine.training.shape import shape_of
    from tests.engine.training.measuring import long_rows, wide_base

    base = ModelDirectory(wide_base(tmp_path / "base"))
    asked = defaults(recipe(max_steps=2, batch_size=ROWS, max_length=LENGTH, **CASES[case]), cuda=True)
    torch.cuda.reset_peak_memory_stats()
    session.train(base, asked, long_rows(2 * ROWS, LENGTH), Recorder(), tmp_path, tmp_path / "out")
    demand = Demand(ROWS * LENGTH, ROWS * LENGTH // 2, ROWS, LENGTH)
    found = estimate(shape_of(base), asked, demand, find_machine())
    # the allocator does not see the context
    assert found.total_bytes - CUDA_CONTEXT == pytest.approx(torch.cuda.max_memory_allocated(), rel=ERROR)
