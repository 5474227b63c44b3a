"""What a device gets by default: number types, optimiser, checkpointing. The one place that asks for CUDA."""

from __future__ import annotations

import msgspec
import torch


class DeviceDefaults(msgspec.Struct):
    """Settings that follow from the hardware, not from the recipe."""

    name: str
    cuda: bool
    compute: str
    optimiser: str
    recompute: bool

    @property
    def dtype(self) -> torch.dtype:
        """The number type of computation and of unquantised weights while training."""
        return torch.bfloat16 if self.compute == "bfloat16" else torch.float32


def find_device() -> DeviceDefaults:
    """The first CUDA card, else the CPU.

    On a card: bf16 computation, 8-bit paged AdamW (states move to the host when memory is short) and
    recomputed activations. On the CPU float32: its bf16 is slower than float32 on most machines.
    """
    if torch.cuda.is_available():
        return DeviceDefaults(torch.cuda.get_device_name(0), True, "bfloat16", "paged_adamw_8bit", True)
    return DeviceDefaults("cpu", False, "float32", "adamw_torch", False)


def peak_memory() -> int:
    """Most bytes that tensors have taken on the card so far; 0 on the CPU."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
