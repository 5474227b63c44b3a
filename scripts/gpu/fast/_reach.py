"""The longest row that a trainer can do a step with: longer and longer ones until memory is full.

The model is loaded once; a step is done when training begins, and again, doubling then halving the interval.
Knows nothing of who built the trainer.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch

FULL = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
STEP = 1024
"""To so many tokens the longest is found."""


class Reached(Exception):
    """Ends a run once the longest row is known."""


def longest(step: Callable[[int], None], first: int, most: int) -> tuple[int, list[dict[str, Any]]]:
    """The most tokens for which `step` does not run out of memory, and every try.

    `step` must leave nothing behind; 0 where even `first` does not fit.
    """
    tries: list[dict[str, Any]] = []
    fits, full, length = 0, 0, first
    while True:
        good = tried(step, length, tries)
        fits, full = (length, full) if good else (fits, length)
        if not full and fits >= most:
            return fits, tries
        if full and full - fits <= STEP:
            return fits, tries
        length = min(most, 2 * fits) if not full else (fits + full) // 2 // STEP * STEP
        if length <= fits:
            return fits, tries


def tried(step: Callable[[int], None], length: int, tries: list[dict[str, Any]]) -> bool:
    """Whether a row of `length` fits; a line for it."""
    cuda = torch.cuda.is_available()
    gc.collect()  # what failed before may stand in a circle of frames
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        step(length)
        good = True
    except RuntimeError as error:
        if not any(sign in str(error) for sign in FULL):
            raise
        good = False
    peak = torch.cuda.max_memory_allocated() if cuda else 0
    tries.append({"tokens": length, "fits": good, "peak GiB": round(peak / (1 << 30), 2)})
    return good


def batch_of(length: int, vocabulary: int, packed: bool) -> dict[str, Any]:
    """One row of random ids that all carry loss, as TRL's collator makes it."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    ids = torch.randint(3, vocabulary, (length,)).tolist()
    made: dict[str, Any] = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=packed)(
        [{"input_ids": ids, "labels": ids}]
    )
    return made


def do_step(trainer: Any, model: Any, vocabulary: int, packed: bool) -> Callable[[int], None]:
    """A forward and a backward pass on one row, by the trainer's own way; its gradients are dropped."""

    def step(length: int) -> None:
        batch = batch_of(length, vocabulary, packed)
        trainer.current_gradient_accumulation_steps = 1
        try:
            trainer.training_step(model, batch, torch.tensor(length - 1, device=trainer.args.device))
        finally:
            model.zero_grad(set_to_none=True)

    return step
