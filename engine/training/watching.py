"""Listens to the trainer for engine.training.health: ends a run that diverges, names stalls, overfitting."""

from __future__ import annotations

import time

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.training.callbacks import Watcher
from engine.training.checkpoints import Checkpoints, listed, step_of
from engine.training.health import DivergedError, HeldoutWatch, LossWatch, StepClock, Watchdog
from store.records.events import Notice


class HealthWatch(TrainerCallback):
    """Raises DivergedError at the last good checkpoint; everything else becomes a notice."""

    def __init__(self, watcher: Watcher, checkpoints: Checkpoints) -> None:
        self._watcher = watcher
        self._checkpoints = checkpoints
        self._losses = LossWatch()
        self._heldout = HeldoutWatch()
        self._steps = StepClock()
        self._dog = Watchdog(self._steps, self._stalled)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Hear again what a run that goes on has heard before; let the watchdog out."""
        for entry in state.log_history:
            if "loss" in entry:
                self._losses.hear(int(entry["step"]), entry["loss"])
        self._dog.start()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """The clock of this step runs."""
        self._steps.begin(time.monotonic())

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """It stops; saving and evaluating are not counted."""
        if took := self._steps.end(time.monotonic()):
            self._watcher.emit(
                Notice(title="It goes on", text=f"Step {state.global_step} took {took:.0f} s.")
            )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **rest: object,
    ) -> None:
        """Look at a step's loss. The trainer logs before it saves, so a lost state is not saved."""
        if not logs or "loss" not in logs:
            return
        self._heldout.step(logs["loss"])
        # Half precision finds its loss scale by overflowing: the trainer leaves such steps out by itself.
        norm = None if args.fp16 else logs.get("grad_norm")
        lost = self._losses.hear(state.global_step, logs["loss"], norm)
        if lost is not None:
            self._checkpoints.set_aside(lost)
            raise diverged(state.global_step, logs, lost, self._checkpoints)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **rest: object,
    ) -> None:
        """Compare the held-out loss with what went before; what the run began with is no result of it."""
        if metrics and "eval_loss" in metrics and state.global_step:
            verdict = self._heldout.evaluation(state.global_step, metrics["eval_loss"])
            if verdict:
                self._watcher.emit(Notice(title=verdict.title, text=verdict.text, level="warn"))

    def close(self) -> None:
        """End the watchdog, however training ended."""
        self._dog.stop()

    def _stalled(self, waited: float, usual: float) -> None:
        self._watcher.emit(
            Notice(
                title=f"No step for {waited:.0f} s",
                text=f"One takes {usual:.1f} s as a rule. Another program may have the device, or memory is "
                "short and is being swapped.",
                level="warn",
            )
        )


def diverged(step: int, logs: dict[str, float], lost: int, checkpoints: Checkpoints) -> DivergedError:
    """What a user is told: where it was last good, and what to change."""
    loss, norm = logs["loss"], logs.get("grad_norm")
    began = f", and it rose from step {lost + 1} on" if lost + 1 < step else ""
    said = f"The loss of step {step} is {loss:.4g}{began}."
    if norm is not None:
        said += f" The norm of its gradient is {norm:.4g}."
    good = listed(checkpoints.folder)
    kept = (
        f"The checkpoint of step {step_of(good[-1])} is the last good one and is kept: {good[-1]}."
        if good
        else "No checkpoint was written before."
    )
    return DivergedError(
        "Training diverged",
        f"{said} {kept}",
        "Train anew with a lower learning_rate (a third of it is a good next try) or more warmup_steps; "
        "temper runs resume would only diverge again. If a row is at fault, look for the longest and the "
        "oddest ones: temper data check DATASET",
    )
