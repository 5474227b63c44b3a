"""Which device trains, and the number type it computes in. The one place that asks torch for CUDA."""

from __future__ import annotations

import msgspec
import torch


class DeviceDefaults(msgspec.Struct):
    """Settings that follow from the hardware, not from the recipe."""

    name: str
    cuda: bool
    compute: str

    @property
    def dtype(self) -> torch.dtype:
        """The number type of computation and of unquantised weights while training."""
        return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.compute, torch.float32)

    def computing(self, precision: str) -> DeviceDefaults:
        """The device as the recipe's `precision` wants it; `auto` leaves it as it is."""
        return self if precision == "auto" else msgspec.structs.replace(self, compute=precision)


def find_device() -> DeviceDefaults:
    """The first CUDA card, else the CPU.

    On a card bfloat16, or float16 where that would be emulated. On the CPU float32: its bfloat16 is slower
    than float32 on most machines.
    """
    if torch.cuda.is_available():
        half = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
        return DeviceDefaults(torch.cuda.get_device_name(0), True, half)
    return DeviceDefaults("cpu", False, "float32")


def peak_memory() -> int:
    """Most bytes that tensors have taken on the card so far; 0 on the CPU."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
