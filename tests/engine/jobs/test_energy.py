"""The GPU's energy counter: there or not, and going up."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from engine.jobs.energy import energy_counter
from engine.jobs.queue import gpu_names


@pytest.mark.parametrize("device", ["cpu", "", "none", "GPU-00000000-0000-0000-0000-000000000000", "a,b"])
def test_what_nobody_counts_has_no_counter(device: str) -> None:
    assert energy_counter(device) is None


class Driver(ModuleType):
    """NVML as its Python module, without a card: `fails` names the call that does."""

    class NVMLError(Exception):
        """What every failing call of the module's raises."""

    def __init__(self, fails: str = "") -> None:
        super().__init__("pynvml")
        self.fails, self.millijoules = fails, 5_000

    def nvmlInit(self) -> None:
        self._call("init")

    def nvmlDeviceGetHandleByUUID(self, device: str) -> str:
        self._call("handle")
        return device

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        assert handle == "GPU-1"
        self._call("count")
        return self.millijoules

    def _call(self, name: str) -> None:
        if name == self.fails:
            raise self.NVMLError(name)


def test_the_driver_counts_in_thousandths_and_may_stop_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    joules = energy_counter("GPU-1")
    assert joules is not None
    assert joules() == 5
    driver.millijoules = 6_500
    assert joules() == 6.5
    driver.fails = "count"
    assert joules() is None


@pytest.mark.parametrize("fails", ["init", "handle", "count"])
def test_a_driver_that_does_not_count_is_no_counter(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Driver(fails))
    assert energy_counter("GPU-1") is None


def test_without_the_drivers_module_there_is_no_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy_counter("GPU-1") is None


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
