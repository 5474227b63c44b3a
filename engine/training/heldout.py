"""Held-out loss while training: told as events, ends a run that no longer gains, and keeps the best weights.

The best weights are those that are trained alone, in one file beside the run's checkpoints. Knows neither
objective nor device.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.training.callbacks import Watcher, preference_metrics
from engine.training.trial import GENERAL, Trial
from store import atomic
from store.records.events import Evaluated, Notice
from store.records.recipe import Recipe

BEST = "best.safetensors"
STATE = "trainer_state.json"  # the trainer's own, in every checkpoint


class HeldOut(TrainerCallback):
    """Watches the held-out loss. `best` is (step, loss) of the lowest; `ended` says that patience ran out.

    What the run begins with is measured as step 0: told, and never the best. `trial` measures the loss on the
    general set beside it.
    """

    def __init__(self, watcher: Watcher, recipe: Recipe, folder: Path, trial: Trial) -> None:
        self._watcher = watcher
        self._recipe = recipe
        self._file = folder / BEST
        self._trial = trial
        self._last_step = 0
        self._stale = 0
        self.best: tuple[int, float] | None = None
        self.ended = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """A run that goes on knows its best from before; what came behind its checkpoint never happened."""
        self.best, self._last_step, self._stale = standing(state.log_history)
        self.ended = 0 < self._recipe.patience <= self._stale and state.global_step < self._recipe.max_steps

    def ran_out(self, checkpoint: Path) -> bool:
        """Whether patience had run out at a checkpoint: nothing is left to train then."""
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        return 0 < self._recipe.patience <= standing(state["log_history"])[2]

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """The last step is measured too, or the best one might not be the best."""
        if self._recipe.eval_every and state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        model: Any = None,
        **rest: object,
    ) -> None:
        """Compare with the best; tell; end the run when patience has run out."""
        if not metrics or "eval_loss" not in metrics:
            return
        step, loss = state.global_step, metrics["eval_loss"]
        general = self._trial.general_loss(model, step)
        if general is not None:
            # the trainer's own record of this evaluation, which every checkpoint keeps
            state.log_history[-1][GENERAL] = general
        stripped = {name.removeprefix("eval_"): value for name, value in metrics.items()}
        told = Evaluated(step=step, loss=loss, metrics=preference_metrics(stripped), general_loss=general)
        if step == 0:
            self._watcher.emit(told)
            return
        self._last_step = step
        better = self.best is None or loss < self.best[1]
        if better:
            self.best, self._stale = (step, loss), 0
            if self._recipe.keep_best:
                self._write(model, step)
        else:
            self._stale += 1
        told.best = better
        self._watcher.emit(told)
        if self._recipe.patience and self._stale >= self._recipe.patience and step < state.max_steps:
            control.should_training_stop = self.ended = True
            self._watcher.emit(
                Notice(
                    title="Ended early",
                    text=f"The held-out loss has not fallen since step {self.best[0] if self.best else 0}.",
                )
            )

    def restore(self, model: Any) -> int | None:
        """Put the best weights back where the last ones are not the best; returns their step."""
        if self.best is None or not self._recipe.keep_best or not self._file.is_file():
            return None
        if self.best[0] == self._last_step:
            return self.best[0]
        trained = dict(model.named_parameters())
        with safe_open(self._file, framework="pt") as file:
            if int((file.metadata() or {}).get("step", -1)) != self.best[0]:
                return None
            for name in file.keys():  # noqa: SIM118  # safe_open is no mapping
                trained[name].data.copy_(file.get_tensor(name))
        return self.best[0]

    def forget(self) -> None:
        """Delete the best weights: the run's result holds them now."""
        self._file.unlink(missing_ok=True)

    def _write(self, model: Any, step: int) -> None:
        weights = {
            name: parameter.detach().cpu().contiguous()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = atomic.temporary_name(self._file)
        save_file(weights, partial, metadata={"step": str(step)})
        partial.replace(self._file)


def standing(history: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, float] | None, int, int]:
    """From a trainer's log: (step, loss) of the lowest held-out loss, the earliest of equals, or None; the
    last step measured; how many measurements came behind the best.
    """
    measured = [(int(entry["step"]), float(entry["eval_loss"])) for entry in history if "eval_loss" in entry]
    measured = [(step, loss) for step, loss in measured if step]  # 0 is what the run began with
    best = min(measured, key=lambda pair: (pair[1], pair[0]), default=None)
    if best is None:
        return None, 0, 0
    return best, measured[-1][0], sum(step > best[0] for step, _ in measured)
