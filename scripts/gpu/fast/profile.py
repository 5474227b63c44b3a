"""Where does the time of a step go, by family of kernel, and what would the next lever give.

One step of the 8B shape in 4 bits at 2,048 a row behind two warm ones, as torch's profiler sees it. What a
lever would give is what the time of its family allows at most, no promise.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import TrainerCallback

from engine.training.data import TrainingData
from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, Found

MINUTES = 1.2
WATCHED = 3
# The first that matches; names are those of CUDA's libraries, bitsandbytes and torch's own kernels.
FAMILIES: dict[str, str] = {
    "attention": r"flash|fmha|attention|sdpa",
    "unpacking 4 bits": r"dequant|quantize|nf4",
    "optimiser": r"adam|optimizer|precondition|multi_tensor|percentile",
    "matrix products": r"gemm|cutlass|wgmma|xmma|nvjet|cublas|splitk|::mm|addmm|bmm|linear",
    "copies and casts": r"copy|memcpy|memset|cast|_to_copy|fill",
    "sums and softmax": r"reduce|softmax|logsumexp|norm|mean|sum|argmax|max",
    "gathering": r"index|gather|scatter|embedding|masked|nonzero|cat",
    "element by element": r"elementwise|vectorized|mul|add|silu|neg|pow|rsqrt|exp|where|div|sub|tanh",
}
LEVERS = {
    "adapters fused with their matrix": ("element by element", "copies and casts"),
    "weights kept in 16 bits": ("unpacking 4 bits",),
    "an attention that does more per pass": ("attention",),
    "no gaps (graphs, compile)": ("gaps",),
}


def run(bench: Bench) -> Found:
    """A table of families, the longest kernels, and what levers could give."""
    found, watch = Found(), Watch()
    length = bench.size(2048, 32)
    batch = bench.size(8, 2)
    vocabulary = shapes.SHAPES[bench.shape].vocabulary
    data = TrainingData(rows.random_rows(vocabulary, [length] * (batch * (WATCHED + 2))))
    asked = training.recipe(
        method="qlora", max_steps=WATCHED + 2, batch_size=batch, max_length=length, micro_batch="auto"
    )
    base = shapes.random_model(bench.shape)
    asked, decisions = training.planned(base, asked, data)
    device = training.card(bench.rehearse)
    training.run(base, asked, data, bench.scratch / "run", device, callbacks=[watch])
    kernels = watch.kernels()
    families: dict[str, float] = defaultdict(float)
    for name, seconds in kernels.items():
        families[family(name)] += seconds
    busy = sum(kernels.values())
    families["gaps"] = max(0.0, watch.seconds - busy)
    found.gate("the profiler saw the step", busy > 0, f"{busy * 1e3:,.1f} of {watch.seconds * 1e3:,.1f} ms")
    found.figures["plan"] = "; ".join(decisions)
    found.figures["families"] = [
        {"family": name, "ms": round(seconds * 1e3, 2), "share": round(seconds / watch.seconds, 3)}
        for name, seconds in sorted(families.items(), key=lambda pair: -pair[1])
    ]
    found.figures["longest kernels"] = [
        {"ms": round(seconds * 1e3, 2), "family": family(name), "kernel": name[:90]}
        for name, seconds in sorted(kernels.items(), key=lambda pair: -pair[1])[:15]
    ]
    found.figures["levers, at most"] = [
        {
            "lever": lever,
            "times faster": round(
                watch.seconds / max(1e-9, watch.seconds - sum(families.get(one, 0.0) for one in named)), 3
            ),
        }
        for lever, named in LEVERS.items()
    ]
    return found


def family(kernel: str) -> str:
    """Which family a kernel belongs to."""
    lowered = kernel.lower()
    return next((name for name, pattern in FAMILIES.items() if re.search(pattern, lowered)), "other")


class Watch(TrainerCallback):
    """Profiles the step WATCHED. On the processor its operators stand for kernels."""

    def __init__(self) -> None:
        kinds = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            kinds = [ProfilerActivity.CUDA]
        self._profile = profile(activities=kinds)
        self.seconds = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Begin with a card that has nothing left to do."""
        if state.global_step == WATCHED - 1:
            training.settle()
            self._profile.start()
            self._begin = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """End when the card has done it all."""
        if state.global_step == WATCHED:
            training.settle()
            self.seconds = time.perf_counter() - self._begin
            self._profile.stop()

    def kernels(self) -> dict[str, float]:
        """Seconds by kernel."""
        found: dict[str, float] = {}
        for one in self._profile.key_averages():
            seconds = (one.self_device_time_total or one.self_cpu_time_total) / 1e6
            if seconds:
                found[one.key] = found.get(one.key, 0.0) + seconds
        return found
