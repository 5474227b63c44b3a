"""Training runs side by side: how their losses went, where their recipes differ, what evaluations say."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Verdict = Literal["same", "close", "different"]


class Curve(msgspec.Struct):
    """A run's losses. `steps` and `losses` go together; `heldout` holds (step, loss) on held-out rows."""

    steps: list[int] = []
    losses: list[float] = []
    total: int = 0
    heldout: list[tuple[int, float]] = []

    @property
    def best_heldout(self) -> float | None:
        """The lowest held-out loss of what was trained; None where none was measured."""
        return min((loss for step, loss in self.heldout if step), default=None)


class EvalScore(msgspec.Struct):
    """A score that an evaluation gave a run, or a variant with its adapter. `stderr` of the score."""

    suite: str
    variant: str
    n: int
    score: float
    stderr: float


class ComparedRun(msgspec.Struct):
    """One of the runs. `final_loss` is the training loss over its last quarter."""

    run_id: str
    state: str
    title: str
    curve: Curve
    final_loss: float | None
    seconds: float
    scores: list[EvalScore] = []


class RunComparison(msgspec.Struct):
    """`differences` holds, by the recipe's key, each run's value; where all agree it is left out."""

    runs: list[ComparedRun]
    differences: dict[str, list[Any]]


class Agreement(msgspec.Struct):
    """Two curves of what should be one run: steps compared, the largest difference, where it stands.

    same: none above 1e-6; close: none above a hundredth of the loss; different otherwise.
    """

    steps: int
    largest: float
    at_step: int
    verdict: Verdict
