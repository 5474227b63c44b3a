"""G4, preferences: pairs per second of Temper against stock TRL, on the same pairs in the same steps.

pairs        LoRA by DPO on real pairs, each seen once, the reference's pass included: the goal
three times  the same pairs three times: the reference is taken once
control      prompts of a few tokens, endings of one length: nothing is padded or shared
Gate: the reward margins of all steps within 1e-4.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.importing import import_dataset
from engine.data.rendering import IGNORED, Renderer, Row
from engine.models.directory import ModelDirectory
from engine.training.order import training_order
from scripts.benchmarks import g1_mix
from scripts.benchmarks.arms import FULL_PAIRS, Result, result
from scripts.benchmarks.g1 import HIDDEN, LAYERS, arm, tell
from scripts.real_runs.commands import shared_data
from store import datasets
from store.paths import WorkspacePaths
from store.records.data import ImportOptions

BATCH, SEED, CAP = 8, 42, 1024
MARGIN_WITHIN = 1e-4
SOURCE = "preference/llama_factory/dpo_train.jsonl"
Pair = tuple[Row, Row]


def measure(pairs: int) -> Iterator[Result]:
    """All parts as they come; the goal itself first. A quick run takes fewer pairs of rows and of arms."""
    data = shared_data()
    if data is None:
        raise SystemExit("G4 trains on real pairs: set TEMPER_SHARED_DATA to their folder.")
    rows, repeats = (48, 5) if pairs >= FULL_PAIRS else (24, 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = g1_mix.make_model(folder / "model", data, HIDDEN, LAYERS)
        real = pairs_of(model, data)[:rows]
        control = Part(folder / "even", model, even(real), 1)
        control.run(1)
        goal = Part(folder / "once", model, real, 1)
        goal.run(repeats)
        yield goal.result("G4 pairs", ">= 1.8", control.ratios)
        again = Part(folder / "thrice", model, real, 3)
        again.run(1)
        yield again.result("G4 three times", ">= 1.8", None)
        yield control.result("G4 control", ">= 1", None)


def pairs_of(model: Path, data: Path) -> list[Pair]:
    """Real preferences as the model sees them, in a seeded order."""
    renderer = Renderer(ModelDirectory(model), "", "")
    with tempfile.TemporaryDirectory() as folder:
        paths = WorkspacePaths(Path(folder))
        import_dataset(paths, data / SOURCE, "pairs", ImportOptions())
        found = [renderer.pair(example, CAP) for example in datasets.iterate_rows(paths, "pairs")]
    kept = [(chosen, rejected) for chosen, rejected in found if chosen.trained and rejected.trained]
    random.Random(0).shuffle(kept)
    return kept


def even(pairs: list[Pair], prompt: int = 4, length: int = 192) -> list[Pair]:
    """As many pairs with short prompts and endings of one length, of the same tokens."""
    ids = [token for pair in pairs for row in pair for token in row.input_ids]
    made = []
    for line, part in enumerate(g1_mix.batched(ids, 2 * length)):
        asked, endings = part[:prompt], (part[prompt:length], part[length : 2 * length - prompt])
        rows = [Row(asked + one, [IGNORED] * prompt + one, line) for one in endings]
        made.append((rows[0], rows[1]))
    return made[: len(pairs)]


class Part:
    """Both arms on the same pairs, all of them `passes` times."""

    def __init__(self, folder: Path, model: Path, pairs: list[Pair], passes: int) -> None:
        folder.mkdir()
        self.model, self.steps = model, len(pairs) // BATCH * passes
        lengths = [len(chosen.input_ids) + len(rejected.input_ids) for chosen, rejected in pairs]
        order = training_order(lengths, self.steps, BATCH, BATCH, SEED)
        self.ours = write(pairs, folder / "pairs.json")
        self.theirs = write([pairs[index] for index in order], folder / "ordered.json")
        self.runs: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def run(self, times: int) -> None:
        """Both arms in turn."""
        for _ in range(times):
            stock = arm("g4_stock.py", self.model, self.theirs, self.steps)
            ours = arm("g4_temper.py", self.model, self.ours, self.steps)
            self.runs.append((stock, ours))
            tell(self.theirs.parent.name, stock, ours)

    @property
    def ratios(self) -> list[float]:
        """Stock seconds over Temper's, for the same pairs."""
        return [stock["seconds"] / ours["seconds"] for stock, ours in self.runs]

    def result(self, goal: str, target: str, control: list[float] | None) -> Result:
        """Measured, with the gate."""
        worst = max(
            abs(a - b)
            for stock, ours in self.runs
            for a, b in zip(stock["margins"], ours["margins"], strict=True)
        )
        detail = f"reward margins of {self.steps} steps within {worst:.1e}"
        return result(
            goal,
            self.ratios,
            target=target,
            passed=worst <= MARGIN_WITHIN,
            detail=detail,
            control=control,
        )


def write(pairs: list[Pair], path: Path) -> Path:
    """Pairs as both arms read them: the prompt's ids, and those of both endings."""
    found = []
    for chosen, rejected in pairs:
        asked = chosen.labels.count(IGNORED)
        found.append(
            {
                "prompt_ids": chosen.input_ids[:asked],
                "chosen_ids": chosen.input_ids[asked:],
                "rejected_ids": rejected.input_ids[asked:],
            }
        )
    path.write_text(json.dumps(found))
    return path
