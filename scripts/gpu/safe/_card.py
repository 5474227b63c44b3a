"""What the card's memory holds, by its driver: what every process has taken, not this one's tensors alone."""

from __future__ import annotations

import time

import torch


def used() -> int:
    """Bytes that are taken on the card; 0 on the processor."""
    if not torch.cuda.is_available():
        return 0
    free, total = torch.cuda.mem_get_info()
    return int(total - free)


def comes_back_to(before: int, slack: int, seconds: float) -> tuple[bool, int]:
    """Whether the memory taken falls to `before` and at most `slack` more within so many seconds."""
    end = time.monotonic() + seconds
    while used() > before + slack and time.monotonic() < end:
        time.sleep(0.2)
    return used() <= before + slack, used()
