"""A sweep: many runs of one recipe with some keys varied, and what they say together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from store.records.recipe import Recipe
from store.records.runs import State

Values = Annotated[list[Any], msgspec.Meta(min_length=1)]
Measure = Literal["held-out loss", "training loss"]
Enough = Literal["more would help", "more would not help", "cannot tell"]


class Sweep(msgspec.Struct, forbid_unknown_fields=True):
    """A sweep's TOML file. Keys are those of a recipe; `lora.rank` names one of its table."""

    question: str = ""
    """What the sweep is to answer, in a line."""
    grid: dict[str, Values] = {}
    """Every value of every key with every value of the others."""
    paired: dict[str, Values] = {}
    """Values that belong together: the first of each key, the second of each, and so on."""
    rows: list[Annotated[float, msgspec.Meta(gt=0, le=1)]] = []
    """Shares of the rows: one run each, for a learning curve. Alone, without `grid` and `paired`."""
    early_stop: bool = True
    """Stop a run whose loss is above the median of the others at the same step. Never with `rows`."""
    patience: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.3
    """The share of its steps that every run is given before it may be stopped."""


class Point(msgspec.Struct):
    """One run of a sweep: what was changed, and how it went. `score` is its measure, lower is better.

    `stopped_at` is the step behind which it was stopped early, 0 otherwise.
    """

    changes: dict[str, Any]
    run_id: str = ""
    state: State = "starting"
    steps: int = 0
    score: float | None = None
    stopped_at: int = 0
    error: str = ""


class Effect(msgspec.Struct):
    """How far a key moves the measure: mean score by value, and the distance between the best and worst."""

    key: str
    spread: float
    means: dict[str, float]


class SweepResult(msgspec.Struct):
    """What a sweep found. `winner` is a run's id, empty when no run has finished; `verdict` says it in words.

    `enough` answers a sweep over rows; `effects` a grid, the strongest key first.
    """

    question: str
    measure: Measure
    points: list[Point]
    winner: str
    verdict: str
    effects: list[Effect] = []
    enough: Enough | None = None


class SweepParams(msgspec.Struct):
    """What the job is asked: a recipe, the sweep over it, findings in the data that may pass."""

    recipe: Recipe
    sweep: Sweep
    accept: list[str] = []
