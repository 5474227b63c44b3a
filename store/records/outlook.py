"""What a form is told while a recipe is filled in: everything that stands against it, and what it would take.

Asked and answered between two processes as lines of JSON. Knows neither widgets nor how anything is found.
"""

from __future__ import annotations

from typing import Any

import msgspec

from store.records.plan import DiskNeed, TrainingPlan
from store.records.recipe import Recipe


class Asked(msgspec.Struct):
    """A recipe as far as it is filled in. `number` comes back with the answer.

    `preset` None is the one that suits the base; empty is none. `file` is a recipe of the workspace that the
    form began with, as a path from it. `overrides` are what was typed on top of both, as `--set` takes it.
    """

    number: int
    preset: str | None = None
    file: str = ""
    overrides: list[str] = []


class Problem(msgspec.Struct, frozen=True):
    """One thing that stands against the run. `key` is the field that it speaks of, empty where it is none."""

    key: str
    text: str


class RowFacts(msgspec.Struct, frozen=True):
    """What training would see of the dataset: rows, tokens, those that carry loss; rows cut and left out."""

    rows: int
    total_tokens: int
    trained_tokens: int
    truncated: int
    untrained: int


class Outlook(msgspec.Struct):
    """The answer. `preset` is the one that was taken, `preset_keys` what it says, `keys` the same with the
    file on top: what a form shows where nothing was typed.

    `recipe` is there once it is without problems, `plan` as soon as base and settings are. `rows` is None
    until they are counted (`counting` says that it is under way): the plan then takes every row for as long
    as the recipe allows. `verdict` is the newest data check's, empty where there was none.
    """

    number: int = 0
    preset: str = ""
    preset_keys: dict[str, Any] = {}
    keys: dict[str, Any] = {}
    problems: list[Problem] = []
    recipe: Recipe | None = None
    plan: TrainingPlan | None = None
    rows: RowFacts | None = None
    counting: bool = False
    disk: DiskNeed | None = None
    verdict: str = ""
