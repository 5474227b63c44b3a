"""Is a run that was stopped and taken up again the run that was not stopped.

With what a card gets by default (paged 8-bit optimiser, bfloat16) and with AdamW. The backward pass of the
attention sums in no fixed order on a card, so the curves of two uninterrupted runs are compared too: what
stopping adds must be no more than a few times what they differ by, or rounding.
"""

from __future__ import annotations

from engine.training.checkpoints import newest
from engine.training.data import TrainingData
from scripts.gpu import training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.right import _data
from store.records.recipe import Lora, Optimiser

MINUTES = 0.7
ROWS = 8
ROUNDING, TIMES = 1e-3, 3


def run(bench: Bench) -> Found:
    """Three runs for each optimiser: two whole ones, one in two parts."""
    found = Found()
    optimisers: list[Optimiser] = ["paged_adamw_8bit", "adamw"]
    for optimiser in optimisers:
        compare(found, bench, optimiser)
    return found


def compare(found: Found, bench: Bench, optimiser: Optimiser) -> None:
    """Losses of all steps."""
    steps = bench.size(12, 6)
    data = TrainingData(_data.rows(ROWS * steps))
    asked = training.recipe(
        method="qlora",
        max_steps=steps,
        batch_size=ROWS // 2,
        gradient_accumulation=2,
        learning_rate=2e-3,
        checkpoint_every=steps // 3,
        optimiser=optimiser,
        lora=Lora(rank=8, alpha=16, dropout=0.1),
    )
    base, device = _data.tiny().path, training.card(bench.rehearse)
    whole, again = (
        training.run(base, asked, data, bench.scratch / f"{optimiser}-{name}", device).losses
        for name in ("whole", "again")
    )
    folder = bench.scratch / f"{optimiser}-parts"
    first = training.run(base, asked, data, folder, device, training.Recorder(stop_after=steps // 2))
    saved, _ = newest(folder / "artifacts" / "checkpoints")
    assert saved is not None, "the stopped run left no checkpoint"
    rest = training.run(base, asked, data, folder / "rest", device, resume=saved)
    at = saved.manifest.step
    curve = first.losses[:at] + rest.losses
    noise, worst = furthest(whole, again), furthest(whole, curve)
    detail = f"stopped at {at} of {steps}: apart by {worst:.1e}, two whole runs by {noise:.1e}"
    found.gate(optimiser, len(curve) == steps and worst <= max(ROUNDING, TIMES * noise), detail)
    training.forget()


def furthest(one: list[float], other: list[float]) -> float:
    """The largest relative difference."""
    return max((abs(a - b) / abs(a) for a, b in zip(one, other, strict=False)), default=float("inf"))
