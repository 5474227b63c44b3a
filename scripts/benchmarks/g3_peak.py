"""How G3 measures, the same in every arm: the peak of anonymous memory in one training step. Linux alone.

The kernel keeps a high-water mark of all resident memory and lets a process set it back; what files and
shared memory hold is taken off. Knows neither trainer nor model, and nothing of Temper.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import TrainerCallback

RESET = "5"  # proc(5), clear_refs: the high-water mark becomes what is resident now


class Peak(TrainerCallback):
    """`mib` is the peak of the last step, from before its forward pass to behind its backward pass, less what
    was there at its start. The first step's gradients go to the file `gradients`.
    """

    def __init__(self, gradients: str) -> None:
        self.mib = 0.0
        self._before = 0
        self._gradients = gradients

    def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Begin to measure; the first step has made whatever is made once."""
        Path("/proc/self/clear_refs").write_text(RESET)
        self._before = resident("RssAnon")

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Read the mark before the optimiser does anything."""
        self.mib = (resident("VmHWM") - resident("RssFile", "RssShmem") - self._before) / 1024
        if state.global_step == 0:
            model = rest["model"]
            save_file({n: p.grad for n, p in model.named_parameters() if p.grad is not None}, self._gradients)


def resident(*names: str) -> int:
    """KiB, the sum of some lines of /proc/self/status."""
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return sum(int(line[1]) for line in lines if line[0].rstrip(":") in names)
