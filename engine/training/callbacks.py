"""The trainer's steps as events, and the stop request. Changes nothing that the trainer computes."""

from __future__ import annotations

import time
from typing import Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.training.devices import peak_memory
from store.records.events import Event, Step


class Watcher(Protocol):
    """What training tells the world, and what it asks: satisfied by engine.jobs.context.JobContext."""

    def emit(self, event: Event) -> None:
        """Append one event."""

    def stop_requested(self) -> bool:
        """Whether to stop at the next step."""


class StepReporter(TrainerCallback):
    """One Step event per optimiser step; stops the trainer when asked to."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._first_step = 0
        self._begin = self._last = time.monotonic()
        self._last_tokens = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Start the clock where the steps start, after loading."""
        self._first_step = state.global_step
        self._begin = self._last = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **rest: object,
    ) -> None:
        """Turn the trainer's log of a step into an event."""
        if not logs or "loss" not in logs:
            return
        now, tokens = time.monotonic(), logs.get("num_tokens", 0.0)  # TRL's count, padding left out
        done = state.global_step - self._first_step
        self._watcher.emit(
            Step(
                step=state.global_step,
                loss=logs["loss"],
                total=state.max_steps,
                learning_rate=logs.get("learning_rate", 0.0),
                grad_norm=logs.get("grad_norm"),
                tokens_per_second=round((tokens - self._last_tokens) / max(now - self._last, 1e-6), 1),
                memory_bytes=peak_memory(),
                eta_seconds=round((now - self._begin) / done * (state.max_steps - state.global_step), 1)
                if done
                else None,
                metrics=preference_metrics(logs),
            )
        )
        self._last, self._last_tokens = now, tokens

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Honour a request to stop: the step is complete, whoever started the trainer saves the adapter."""
        if self._watcher.stop_requested():
            control.should_training_stop = True


_PREFERENCE = {
    "rewards/margins": "reward_margin",
    "rewards/accuracies": "reward_accuracy",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "kl": "kl",
}


def preference_metrics(logs: dict[str, float]) -> dict[str, float]:
    """What a preference trainer logs of rewards, under our names: beta times how much likelier an ending has
    become than it was under the reference (Rafailov et al., 2023, section 4).
    """
    return {ours: logs[theirs] for theirs, ours in _PREFERENCE.items() if theirs in logs}
