"""One real optimiser step on the longest batch before the first one that counts: estimates become figures.

A run that could only end out of memory ends here, not hours later. Weights, optimiser and random states are
put back, so a run is the same with and without it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.export.quantise import expected_bytes
from engine.models.directory import ModelDirectory
from engine.models.variants import default_quant
from engine.training.callbacks import Watcher
from engine.training.devices import peak_memory
from engine.training.saving import random_states, restore
from store.records.events import Measured


class Longest(msgspec.Struct):
    """The step to rehearse: positions of its rows in the order of training, its tokens, and a mean step's."""

    rows: list[int]
    tokens: int
    mean_tokens: float


def longest_step(lengths: Sequence[int], batch_size: int, step_rows: int, packed: bool) -> Longest:
    """Find the step that holds the largest forward pass. `lengths` of rows in the order of training.

    A pass takes its tokens where rows are packed, else its longest row times its rows.
    """
    largest, at, total, steps = -1, 0, 0, 0
    for begin in range(0, len(lengths) - step_rows + 1, step_rows):
        step = lengths[begin : begin + step_rows]
        passes = [step[n : n + batch_size] for n in range(0, step_rows, batch_size)]
        most = max(sum(one) if packed else max(one) * len(one) for one in passes)
        if most > largest:
            largest, at = most, begin
        total, steps = total + sum(step), steps + 1
    return Longest(
        list(range(at, min(at + step_rows, len(lengths)))),
        sum(lengths[at : at + step_rows]),
        total / max(steps, 1),
    )


def lengths_in_order(dataset: Any, lengths: Sequence[int]) -> list[int]:
    """Tokens of each row in the order of training; `lengths` are those of the rows that it is drawn from."""
    if dataset._indices is None:
        return list(lengths)
    return [lengths[at] for at in dataset._indices.column(0).to_pylist()]


def export_bytes(base: ModelDirectory) -> int:
    """Bytes that the usual export of a model takes on the disk: its GGUF, the merged weights before it."""
    weights = base.parameters
    return expected_bytes(weights, default_quant(base.path)) + expected_bytes(weights, "bf16")


class Rehearsal(TrainerCallback):
    """Does the longest step once when training begins, and tells what it took.

    `lengths` are those of the rows that the order is drawn from. `trainer` is set once it exists.
    """

    trainer: Trainer

    def __init__(
        self, watcher: Watcher, lengths: list[int], batch_size: int, packed: bool, export_bytes: int
    ) -> None:
        self._watcher = watcher
        self._lengths = lengths
        self._batch_size = batch_size
        self._packed = packed
        self._export_bytes = export_bytes

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Rehearse. Raises what a real step would raise, torch.OutOfMemoryError above all."""
        if state.global_step >= state.max_steps:
            return
        step_rows = self._batch_size * args.gradient_accumulation_steps * args.world_size
        ordered = lengths_in_order(self.trainer.train_dataset, self._lengths)
        longest = longest_step(ordered, self._batch_size, step_rows, self._packed)
        seconds = checkpoint = 0.0
        with unchanged(self.trainer):
            # A card's first step also loads kernels and tunes them: the second is like those that follow.
            for _ in range(2 if torch.cuda.is_available() else 1):
                seconds = self._step(longest.rows)
            checkpoint = state_bytes(self.trainer)
        left = state.max_steps - state.global_step
        mean = seconds * longest.mean_tokens / max(longest.tokens, 1)
        self._watcher.emit(
            Measured(
                peak_bytes=peak_memory() or process_peak(),
                seconds_per_step=round(mean, 4),
                eta_seconds=round(mean * left, 1),
                checkpoint_bytes=int(checkpoint),
                export_bytes=self._export_bytes,
                tokens=longest.tokens,
            )
        )

    def _step(self, rows: list[int]) -> float:
        trainer: Any = self.trainer
        trainer.accelerator.gradient_state._set_sync_gradients(True)  # or the optimiser waits for more
        begin = time.monotonic()
        passes = range(0, len(rows), self._batch_size)[trainer.args.process_index :: trainer.args.world_size]
        batches = [
            trainer.data_collator([trainer.train_dataset[at] for at in rows[n : n + self._batch_size]])
            for n in passes
        ]
        items = trainer._get_num_items_in_batch(batches, trainer.args.device)
        trainer.current_gradient_accumulation_steps = len(batches)
        for batch in batches:
            trainer.training_step(trainer.model_wrapped, batch, items)
        trainer.optimizer.step()
        trainer.model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic() - begin


@contextmanager
def unchanged(trainer: Any) -> Iterator[None]:
    """Whatever steps are done inside: weights, optimiser, counts and random states are as before behind it.

    Copies lie on the host, so that the device's peak is that of a step.
    """
    randoms = random_states()
    weights = {name: one.detach().to("cpu", copy=True) for name, one in _trained(trainer.model)}
    optimiser = copied(trainer.optimizer.state_dict()) if trainer.optimizer.state else None
    metrics = {
        mode: {key: list(told) for key, told in found.items()}
        for mode, found in getattr(trainer, "_metrics", {}).items()
    }
    tokens = getattr(trainer, "_total_train_tokens", None)
    try:
        yield
    finally:
        trainer.model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, one in _trained(trainer.model):
                one.copy_(weights[name])
        if optimiser is not None:
            trainer.optimizer.state.clear()
            trainer.optimizer.load_state_dict(optimiser)
        else:
            begin_anew(trainer.optimizer)
        for mode, found in metrics.items():
            trainer._metrics[mode].clear()
            trainer._metrics[mode].update(found)
        if tokens is not None:
            trainer._total_train_tokens = tokens
        restore(randoms)


def begin_anew(optimiser: Any) -> None:
    """The optimiser's state as before its first step.

    bitsandbytes never gives paged memory back, so a state that is paged is set to the zeros that it began
    with; others are dropped.
    """
    state = optimiser.state
    if not getattr(getattr(optimiser, "optimizer", optimiser), "is_paged", False):
        state.clear()
        return
    for one in state.values():
        for name, value in one.items():
            if name == "step":
                one[name] = 0
            elif isinstance(value, torch.Tensor) and not name.startswith("qmap"):
                value.zero_()


def copied(value: Any) -> Any:
    """A copy of nested dicts, lists and tensors, on the host."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


def state_bytes(trainer: Any) -> int:
    """Bytes of the trained weights and of the optimiser's state: a checkpoint, but for small files."""
    weights = sum(one.numel() * one.element_size() for _, one in _trained(trainer.model))
    states = trainer.optimizer.state.values()
    held = (one for state in states for one in state.values() if isinstance(one, torch.Tensor))
    return weights + sum(one.numel() * one.element_size() for one in held)


def process_peak() -> int:
    """Most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _trained(model: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
    return ((name, one) for name, one in model.named_parameters() if one.requires_grad)
