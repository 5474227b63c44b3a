"""Turns what the trainer saves into checkpoints, and saves once more where memory ran out in mid-step.

The trainer writes, as it always does, into its own folder; that is `.writing`, and only what is complete
there gets a name that anybody reads. The best weights so far belong to a checkpoint too: what came behind it
may never happen again. Changes nothing that the trainer computes.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.training.callbacks import Watcher
from engine.training.checkpoints import PREFIX, Checkpoints, MemoryPlan
from engine.training.heldout import BEST
from store.records.events import Checkpoint


class RandomStates(msgspec.Struct):
    """Where all generators of random numbers stand; tensors of bytes for torch's."""

    python: Any
    numpy: Any
    cpu: Any
    cuda: Any = None


def random_states() -> RandomStates:
    """Where they stand now."""
    return RandomStates(
        random.getstate(),
        np.random.get_state(),
        torch.random.get_rng_state(),
        torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    )


def restore(states: RandomStates) -> None:
    """Put all generators back to where they stood."""
    random.setstate(states.python)
    np.random.set_state(states.numpy)
    torch.random.set_rng_state(states.cpu)
    if states.cuda is not None:
        torch.cuda.set_rng_state(states.cuda)


def shared(file: Path, other: Path) -> None:
    """Give a file that is never written to again a second name: without taking room where the disk can."""
    other.unlink(missing_ok=True)
    try:
        os.link(file, other)
    except OSError:
        shutil.copyfile(file, other)


class CheckpointKeeper(TrainerCallback):
    """Publishes every checkpoint that the trainer has written, and says so.

    `examples_at` gives the rows that were trained when a step was complete.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        plan: MemoryPlan,
        watcher: Watcher,
        run_folder: Path,
        examples_at: Callable[[int], int],
    ) -> None:
        self.checkpoints = checkpoints
        self._plan = plan
        self._watcher = watcher
        self._run_folder = run_folder
        self._best = run_folder / "artifacts" / BEST
        self._examples_at = examples_at
        self._heldout: tuple[int, float] | None = None
        self._phase: Literal["between", "passes", "update"] = "between"
        self._before_step: RandomStates | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Give a run that goes on the best weights that its checkpoint knows, and tell it where its best
        checkpoint is: it was saved under another name.
        """
        best = self.checkpoints.folder / f"{PREFIX}{state.global_step}" / BEST
        if best.is_file() and state.is_world_process_zero:
            shared(best, self._best)
        kept = self.checkpoints.folder / f"{PREFIX}{state.best_global_step}"
        if state.best_global_step and kept.is_dir():
            state.best_model_checkpoint = str(kept)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Remember the random states: a step that fails is to be the same step when it is done again."""
        self._before_step, self._phase = random_states(), "passes"

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """From here to the end of the step the weights are neither those before it nor those behind it."""
        self._phase = "update"

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """The step is complete; the last one because the user asked is saved, to go on from."""
        self._phase = "between"
        if control.should_training_stop and state.global_step < state.max_steps:
            control.should_save = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **rest: object,
    ) -> None:
        """Take down the held-out loss: the best checkpoint is kept."""
        if metrics and "eval_loss" in metrics:
            self._heldout = state.global_step, metrics["eval_loss"]

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Give the checkpoint its name, and say that it is complete on disk."""
        step = state.global_step
        if self._best.is_file():
            shared(self._best, self.checkpoints.writing / f"{PREFIX}{step}" / BEST)
        # it belongs to the step at which it was measured, which may be an earlier one
        loss = self._heldout[1] if self._heldout and self._heldout[0] == step else None
        path = self.checkpoints.publish(step, self._plan, self._examples_at(step), loss)
        if state.best_global_step == step:
            state.best_model_checkpoint = str(path)
        self._watcher.emit(Checkpoint(step=step, path=str(path.relative_to(self._run_folder))))

    def emergency(self, trainer: Trainer) -> bool:
        """Save the last completed step when the one behind it failed; False where its weights are gone.

        They are gone when the failure came in mid-update, and there are none before the first step.
        """
        if self._phase == "update" or trainer.state.global_step == 0:
            return False
        model: Any = trainer.model
        model.zero_grad(set_to_none=True)
        if self._phase == "passes" and self._before_step is not None:
            restore(self._before_step)
        # The trainer's own way to write one; it has no public name for it.
        trainer._save_checkpoint(model, trial=None)
        self.on_save(trainer.args, trainer.state, trainer.control)
        return True
