"""The GPU's energy counter: there or not, and going up."""

from __future__ import annotations

import pytest

from engine.jobs.energy import energy_counter
from engine.jobs.queue import gpu_names


@pytest.mark.parametrize("device", ["cpu", "", "none", "GPU-00000000-0000-0000-0000-000000000000", "a,b"])
def test_what_nobody_counts_has_no_counter(device: str) -> None:
    assert energy_counter(device) is None


@pytest.mark.gpu
def test_a_gpu_counts_what_it_draws() -> None:
    joules = energy_counter(gpu_names()[0])
    if joules is None:
        pytest.skip("this GPU counts no energy")
    begin = joules()
    assert begin is not None
    while (now := joules()) is not None and now <= begin:  # an idle GPU draws some watts too
        pass
    assert now is not None
