"""Do packed rows learn what padded ones learn, through the varlen kernel, in 4 bits and with recomputing.

First the kernel alone, forward and backward, against plain attention in float32 of each row by itself:
grouped heads, a window, pairs with one beginning. Then whole runs: losses of all steps, the direction of the
first step's gradients.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from engine.training import packed_attention
from engine.training.data import TrainingData
from engine.training.packed_attention import PackedPair, PackedPairs
from scripts.gpu import rows, shapes, training
from scripts.gpu.bench import Bench, Found

MINUTES = 1.0
LENGTHS = [37, 128, 5, 301, 64, 9]
KERNEL_WITHIN = 1e-2  # bfloat16 operands: relative errors between 1e-3 and 1e-2 are rounding
LOSS_WITHIN, COSINE = 2e-2, 0.999
STEPS = 4


def run(bench: Bench) -> Found:
    """The kernel, then runs with it."""
    found = Found()
    for name, heads, key_heads, window in (
        ("as many keys", 8, 8, None), ("grouped heads", 8, 2, None), ("grouped, a window of 16", 8, 2, 16),
    ):  # fmt: skip
        errors = kernel_errors(heads, key_heads, window)
        detail = "relative errors " + ", ".join(f"{part} {value:.1e}" for part, value in errors.items())
        found.gate(f"kernel, {name}", max(errors.values()) <= KERNEL_WITHIN, detail)
    errors = pair_errors()
    detail = "relative errors " + ", ".join(f"{part} {value:.1e}" for part, value in errors.items())
    found.gate("kernel, pairs that share a beginning", max(errors.values()) <= KERNEL_WITHIN, detail)
    base = shapes.random_model(bench.smaller)
    settings: dict[str, dict[str, Any]] = {
        "4 bits, all recomputed": {"method": "qlora", "recompute_layers": "all"},
        "4 bits, nothing recomputed": {"method": "qlora", "recompute_layers": 0},
        "4 bits, activations on the host": {
            "method": "qlora",
            "recompute_layers": "all",
            "offload": "activations",
        },
        "16 bits, half recomputed": {"method": "lora", "recompute_layers": 1},
        "full, under autocast": {"method": "full", "learning_rate": 1e-5, "optimiser": "adamw"},
    }
    losses = {name: compare(found, bench, base, name, changes) for name, changes in settings.items()}
    here, there = losses["4 bits, all recomputed"], losses["4 bits, activations on the host"]
    worst = max(abs(a - b) / abs(a) for a, b in zip(here, there, strict=True))
    found.gate(
        "the host changes nothing", worst <= LOSS_WITHIN, f"losses within {worst:.1e} of those without"
    )
    return found


def kernel_errors(heads: int, key_heads: int, window: int | None) -> dict[str, float]:
    """Packed attention in bfloat16 on the device, output and gradients, relative to float32 row by row."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    total = sum(LENGTHS)
    bounds = torch.tensor([0, *torch.tensor(LENGTHS).cumsum(0).tolist()], dtype=torch.int32)
    whole = [torch.randn(1, n, total, 64) for n in (heads, key_heads, key_heads)]
    upstream = torch.randn(1, total, heads, 64)
    ours = [one.to(device, torch.bfloat16).requires_grad_() for one in whole]
    theirs = [one.bfloat16().float().requires_grad_() for one in whole]
    attend: Any = packed_attention.packed_attention
    out, _ = attend(
        torch.nn.Module(), *ours, None, cu_seq_lens_q=bounds.to(device), max_length_q=max(LENGTHS),
        sliding_window=window,
    )  # fmt: skip
    out.backward(upstream.to(device, torch.bfloat16))
    parts = [plain(theirs, slice(*ends), window) for ends in pairwise(bounds.tolist())]
    expected: Any = torch.cat(parts, dim=1)
    expected.backward(upstream.bfloat16().float())
    return {"output": relative(out, expected)} | of_gradients(ours, theirs)


def pair_errors() -> dict[str, float]:
    """Pairs with one beginning, in bfloat16 on the device, against float32 on the processor."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    pairs = PackedPairs([PackedPair(40, 100, 77), PackedPair(0, 30, 64), PackedPair(12, 12, 50)])
    total = sum(pair.packed for pair in pairs.each)
    whole = [torch.randn(1, heads, total, 64) for heads in (8, 2, 2)]
    upstream = torch.randn(1, total, 8, 64)
    attend: Any = packed_attention.packed_attention
    ours = [one.to(device, torch.bfloat16).requires_grad_() for one in whole]
    theirs = [one.bfloat16().float().requires_grad_() for one in whole]
    out, expected = (attend(torch.nn.Module(), *one, None, pairs=pairs)[0] for one in (ours, theirs))
    out.backward(upstream.to(device, torch.bfloat16))
    expected.backward(upstream.bfloat16().float())
    return {"output": relative(out, expected)} | of_gradients(ours, theirs)


def plain(tensors: list[torch.Tensor], part: slice, window: int | None) -> torch.Tensor:
    """Attention of one row, written out in float32: [1, tokens, heads, dim]."""
    query, key, value = (one[:, :, part] for one in tensors)
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    seen = torch.ones(query.shape[2], query.shape[2], dtype=torch.bool).tril()
    if window:
        seen = seen.triu(1 - window)
    scores = (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    attended: torch.Tensor = scores.softmax(-1) @ value
    return attended.transpose(1, 2)


def of_gradients(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> dict[str, float]:
    """Relative errors of the gradients of queries, keys and values."""
    errors = {}
    for name, a, b in zip(("dq", "dk", "dv"), ours, theirs, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        errors[name] = relative(a.grad, b.grad)
    return errors


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The norm of the difference over the norm of what is expected."""
    found, expected = found.detach().float().cpu(), expected.detach()
    return float((found - expected).norm() / expected.norm())


def compare(found: Found, bench: Bench, base: Path, name: str, changes: dict[str, Any]) -> list[float]:
    """A packed run and a padded one on the same rows; the losses of the packed one."""
    vocabulary = shapes.SHAPES[bench.smaller].vocabulary
    lengths = LENGTHS * STEPS
    data = TrainingData(rows.random_rows(vocabulary, lengths, trained=0.5))
    done, firsts = [], []
    for packing in (True, False):
        first = FirstGradients()
        asked = training.recipe(max_steps=STEPS, batch_size=6, packing=packing, **changes)
        folder = bench.scratch / f"{name.replace(' ', '-').replace(',', '')}-{packing}"
        device = training.card(bench.rehearse)
        done.append(training.run(base, asked, data, folder, device, callbacks=[first]))
        firsts.append(first.flat)
        training.forget()
    worst = max(abs(a - b) / abs(b) for a, b in zip(done[0].losses, done[1].losses, strict=True))
    like = float(torch.nn.functional.cosine_similarity(firsts[0], firsts[1], dim=0))
    passed = done[0].result.packed and worst <= LOSS_WITHIN and like >= COSINE
    detail = f"packed {done[0].result.packed}, losses within {worst:.1e}, gradients' cosine {like:.6f}"
    found.gate(name, passed, detail)
    return done[0].losses


class FirstGradients(TrainerCallback):
    """All gradients of the first step as one vector, on the host."""

    flat: torch.Tensor

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any
    ) -> None:
        """Before the optimiser changes anything."""
        if state.global_step == 0:
            gradients = [
                one.grad.flatten().float().cpu() for one in model.parameters() if one.grad is not None
            ]
            self.flat = torch.cat(gradients)
