"""What a run leaves to be read beside its weights: the first batch, what was gained and lost, samples.

Opened before the first step and closed behind the last; stopped runs are not closed, since somebody waits.
Puts together what other modules measure and judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from transformers import Trainer

from engine.models.directory import ModelDirectory
from engine.models.token_texts import TokenTexts
from engine.models.tokenizer import load_tokenizer
from engine.training import first_batch, outcome, samples
from engine.training.callbacks import Watcher
from engine.training.checkpoints import listed, step_of
from engine.training.data import TrainingData
from engine.training.trial import GENERAL, Trial
from store import atomic
from store.records.events import Artifact, Notice
from store.records.outcome import Outcome, Point, Remark, Snapshot
from store.records.recipe import Recipe

PREFERENCES = ("dpo", "kto", "orpo")


class Account:
    """One run's, kept by one process. Its files go to `run_folder`/artifacts."""

    def __init__(
        self,
        watcher: Watcher,
        base: ModelDirectory,
        recipe: Recipe,
        data: TrainingData,
        trial: Trial,
        run_folder: Path,
    ) -> None:
        self._watcher = watcher
        self._recipe = recipe
        self._data = data
        self._trial = trial
        self._run_folder = run_folder
        tokenizer = load_tokenizer(base.tokenizer_file)
        self._texts = TokenTexts(tokenizer)
        added = tokenizer.get_added_tokens_decoder()
        self._special = {token for token, one in added.items() if one.special}

    def open(self, trainer: Trainer, step: int) -> None:
        """Before the first step of a process; the run itself may be behind `step` already."""
        self._trial.begin(trainer.model, step, alone=not in_pieces(trainer))
        if step:
            return
        batch = first_batch.first_batch(trainer, self._recipe, self._data, self._texts, self._special)
        self._write("first batch", "first_batch", first_batch.FILE, batch)
        if not self._recipe.eval_every:
            self._trial.tell(self._trial.before)
        if self._recipe.objective in PREFERENCES:
            self._say(outcome.weak_start(self._trial.before))

    def close(self, trainer: Trainer, step: int) -> Outcome | None:
        """Behind the last step, with the weights of `step` as the result. None where nothing is measured."""
        trial = self._trial
        model: Any = trainer.model
        if self._recipe.method == "full":
            model.to(trial.dtype)  # it was rounded to the type of its base to be saved
        after = trial.snapshot(model, step)
        if after is None:
            return None
        if after.task:
            self._write("samples", "samples", samples.FILE, self._samples(after))
        if not self._recipe.eval_every:
            trial.tell(after)
        general = (trial.general.name, trial.general.kinds) if trial.general else ("", [])
        folder = self._run_folder / "artifacts" / "checkpoints"
        points = evaluations(trainer.state.log_history, kept(folder, self._run_folder))
        found = outcome.outcome_of(step, trial.before, after, general, points)
        found.seconds = round(trial.seconds, 2)
        for remark in found.remarks:
            self._say(remark)
        return found

    def _samples(self, after: Snapshot) -> msgspec.Struct:
        return samples.extremes(self._trial.task, after.task, self._texts, after.step, self._data.tried_of)

    def _say(self, remark: Remark | None) -> None:
        if remark is not None:
            self._watcher.emit(Notice(title=remark.title, text=remark.text, level=remark.level))

    def _write(self, name: str, kind: str, file: str, what: msgspec.Struct) -> None:
        path = self._run_folder / "artifacts" / file
        content = msgspec.json.encode(what)
        atomic.write_bytes(path, content)
        shown = str(path.relative_to(self._run_folder))
        self._watcher.emit(Artifact(name=name, path=shown, type=kind, bytes=len(content)))


def in_pieces(trainer: Trainer) -> bool:
    """Whether no process holds a whole layer: then none can score rows by itself."""
    return bool(trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled)


def kept(folder: Path, run_folder: Path) -> dict[int, str]:
    """The checkpoints that are on disk, by step, as paths in the run folder."""
    return {step_of(path): str(path.relative_to(run_folder)) for path in listed(folder)}


def evaluations(history: Sequence[dict[str, Any]], checkpoints: dict[int, str]) -> list[Point]:
    """All evaluations that the trainer's log tells of, in order, but those whose loss is no number."""
    return [
        Point(
            step=int(entry["step"]),
            task_loss=float(entry["eval_loss"]),
            general_loss=entry.get(GENERAL),
            checkpoint=checkpoints.get(int(entry["step"]), ""),
        )
        for entry in history
        if "eval_loss" in entry and math.isfinite(entry["eval_loss"])
    ]
