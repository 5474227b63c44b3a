"""Runs to interrupt: recipes with all that a checkpoint has to bring back, and what must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from engine.data.rendering import IGNORED
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.checkpoints import Saved, newest
from engine.training.data import TrainingData
from store.records.events import Step
from store.records.recipe import Lora
from tests.bases import Recorder, recipe, rows_of

STEPS = 7
KINDS: dict[str, dict[str, Any]] = {
    "lora": {"method": "lora"},
    "qlora": {"method": "qlora"},
    "dora": {"method": "lora", "lora": Lora(rank=4, alpha=8, dora=True)},
    "full": {"method": "full", "learning_rate": 1e-3},
    "text": {"method": "lora", "objective": "text"},
    "dpo": {"method": "lora", "objective": "dpo"},
    "orpo": {"method": "lora", "objective": "orpo"},
    "kto": {"method": "lora", "objective": "kto"},
}


def asked(kind: str = "lora", **changes: Any) -> Any:
    """A recipe with everything in it that a checkpoint has to bring back."""
    base: dict[str, Any] = {
        "max_steps": STEPS,
        "batch_size": 2,
        "gradient_accumulation": 2,
        "schedule": "cosine",
        "warmup_steps": 2,
        "weight_decay": 0.01,
        "checkpoint_every": 2,
        "lora": Lora(rank=4, alpha=8, dropout=0.2),
    }
    return recipe(**base | KINDS[kind] | changes)


def data_for(micro: Path, kind: str = "lora") -> TrainingData:
    """Eight rows as the kind's objective takes them."""
    rows = rows_of(micro)
    match KINDS[kind].get("objective", "sft"):
        case "dpo" | "orpo":
            # the same question with another one's answer
            turned = [*rows[1:], rows[0]]
            rejected = [rejoined(row, other) for row, other in zip(rows, turned, strict=True)]
            return TrainingData(rows, rejected)
        case "kto":
            return TrainingData(rows, desirable=[number % 2 == 0 for number in range(len(rows))])
        case _:
            return TrainingData(rows)


def rejoined(row: Any, other: Any) -> Any:
    """A row that ends as another one does."""
    at = next(n for n, label in enumerate(row.labels) if label != IGNORED)
    end = [label for label in other.labels if label != IGNORED]
    return msgspec.structs.replace(row, input_ids=row.input_ids[:at] + end, labels=[IGNORED] * at + end)


def run(
    micro: Path,
    folder: Path,
    recorder: Recorder | None = None,
    kind: str = "lora",
    resume: Saved | None = None,
    callbacks: tuple[TrainerCallback, ...] = (),
    start: Path | None = None,
    data: TrainingData | None = None,
    **changes: Any,
) -> tuple[Recorder, Any]:
    """A real run of a kind, by the session's own entry."""
    recorder = recorder or Recorder()
    result = session.train(
        ModelDirectory(micro),
        asked(kind, **changes),
        data or data_for(micro, kind),
        recorder,
        folder,
        folder / "artifacts" / "out",
        callbacks=callbacks,
        resume=resume,
        start=start,
    )
    return recorder, result


def last_good(folder: Path) -> Saved:
    """The newest whole checkpoint of a run that has one."""
    found, _ = newest(folder / "artifacts" / "checkpoints")
    assert found is not None
    return found


def steps_of(recorder: Recorder) -> dict[int, float]:
    """The loss of every step that was told."""
    return {event.step: event.loss for event in recorder.events if isinstance(event, Step)}


def same(resumed: Recorder, whole: Recorder) -> None:
    """Every step that the resumed run did has the loss of the whole run's."""
    expected = steps_of(whole)
    found = steps_of(resumed)
    assert found
    assert found == pytest.approx({step: expected[step] for step in found}, abs=1e-6)
    assert max(found) == STEPS


def same_weights(one: Path, other: Path) -> None:
    """What two runs saved is the same to six digits; everything that is trained is in 32 bits."""
    left, right = (load_file(next((run / "artifacts" / "out").glob("*.safetensors"))) for run in (one, other))
    assert left.keys() == right.keys()
    assert {tensor.dtype for tensor in left.values()} == {torch.float32}
    assert all(torch.allclose(left[name], right[name], atol=1e-6) for name in left)
