"""What a GPU has drawn, as its driver counts it (NVML). Does not know who drew it: the lease sees to that."""

from __future__ import annotations

from collections.abc import Callable

Joules = Callable[[], float | None]
"""Joules drawn since the driver was loaded; None where that cannot be read any more."""
THOUSAND = 1_000


def energy_counter(device: str) -> Joules | None:
    """The counter of the GPU with the UUID `device`.

    None for the processor, and where there is no driver, a GPU older than Volta, or only a part of one (MIG).
    """
    if device in ("", "cpu", "none") or "," in device:
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(device)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return None

    def joules() -> float | None:
        try:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / THOUSAND
        except pynvml.NVMLError:
            return None

    return joules
