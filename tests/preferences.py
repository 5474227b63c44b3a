"""Pairs, single answers and documents to train small models on, and runs of every objective."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.data.rendering import Renderer
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.reading import render
from store.records.data import Example, Message
from store.records.recipe import Recipe
from tests.bases import ANSWERS, EXAMPLES, Recorder, recipe
from tests.engine.conftest import Trained, keeping_model

PAIRS = [
    Example(
        f"p{n}",
        n + 1,
        [Message("user", f"Question number {n}?"), Message("assistant", answer)],
        rejected=[Message("assistant", ANSWERS[n - 3])],
        prompt_turns=1,
    )
    for n, answer in enumerate(ANSWERS)
]
JUDGED = [
    Example(
        f"j{n}", n + 1, [Message("user", f"Question number {n}?"), Message("assistant", a)], label=n % 2 == 0
    )
    for n, a in enumerate(ANSWERS)
]
TEXTS = [
    Example(f"t{n}", n + 1, [], text=" ".join(f"The card of {one} is lost, number {n}." for one in ANSWERS))
    for n in range(8)
]
ROWS = {"sft": EXAMPLES, "text": TEXTS, "dpo": PAIRS, "orpo": PAIRS, "kto": JUDGED}


def asked(**changes: Any) -> Recipe:
    """RECIPE for a short run of any objective."""
    given: dict[str, Any] = {"method": "lora", "batch_size": 8, "max_steps": 6, "learning_rate": 5e-3}
    return recipe(**given | changes)


def data_for(base: Path, wanted: Recipe) -> TrainingData:
    """The rows of the recipe's objective as `base` writes them."""
    renderer = Renderer(ModelDirectory(base), wanted.template, "", wanted.mask)
    return render(renderer, ROWS[wanted.objective], wanted)[0]


def run_on(
    base: Path, folder: Path, data: TrainingData | None = None, start: Path | None = None, **changes: Any
) -> Trained:
    """Train for real by the session's own entry."""
    from engine.training import session

    wanted = asked(**changes)
    recorder = Recorder()
    with keeping_model() as kept:
        out = folder / "artifacts" / "adapter"
        rows = data or data_for(base, wanted)
        result = session.train(ModelDirectory(base), wanted, rows, recorder, folder, out, start=start)
    return Trained(base, out, folder, recorder, result, kept[0])
