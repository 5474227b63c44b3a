"""A recipe that is being filled in: every problem at once, the memory it would take, what would fit instead.

What is wrong in one field keeps nobody from hearing about the others: it is left out and the rest is looked
at. Starts nothing, imports no dataset, loads no weights.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from engine.models.directory import ModelDirectory
from engine.training import preset as presets
from engine.training.demand import unknown_rows
from engine.training.dry_run import disk_need
from engine.training.gate import newest_report
from engine.training.levers import with_steps
from engine.training.plan import plan
from engine.training.planning import Counted, plan_counted
from engine.training.preflight import examine, find_base
from engine.training.recipe import contradictions, over_preset, put
from engine.training.row_counts import RowCounts, imported
from engine.training.shape import shape_of
from store import datasets, settings
from store.errors import TemperError
from store.records.outlook import Asked, Outlook, Problem
from store.records.plan import Demand, Machine, TrainingPlan
from store.records.recipe import Recipe
from store.workspace import Workspace

NAMES = ("base", "dataset", "eval_dataset", "replay_dataset", "general", "prompt", "init_from")
"""Fields whose values are names of things."""


def look(workspace: Workspace, asked: Asked, counts: RowCounts, machine: Machine) -> Outlook:
    """The outlook of a recipe as far as it is filled in."""
    problems: list[Problem] = []
    written, own = read_written(workspace, asked, problems)
    base, missing = base_of(workspace, str(presets.merged(written, own).get("base", "")))
    shipped, name = preset_of(asked, base, presets.merged(written, own))
    found = Outlook(asked.number, name, shipped, over_preset(dict(shipped), written))
    raw = over_preset(dict(shipped), presets.merged(written, own))
    if base is not None and not asked.file and "max_length" not in own:
        for keys in (found.preset_keys, found.keys, raw):
            fit_length(keys, base)
    problems += of_settings(raw)
    recipe = msgspec.convert(without(raw, problems), Recipe)
    problems += [split(one) for one in contradictions(recipe)]
    problems += of_preflight(workspace, recipe, missing)
    if base is not None:
        rows = counts.get(recipe)
        found.counting = rows is None
        if rows is not None:
            found.rows = rows.facts
            problems += [] if rows.error is None else [placed(rows.error, recipe)]
        found.plan = planned(workspace, base, recipe, rows.rows if rows else None, machine)
        found.disk = disk_need(workspace, base, found.plan.recipe)
    found.verdict = verdict_of(workspace, recipe)
    found.problems = list(dict.fromkeys(problems))
    found.recipe = None if problems else recipe
    return found


def read_written(
    workspace: Workspace, asked: Asked, problems: list[Problem]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the file says, and what was typed on top of it; what cannot be read goes to `problems`."""
    written: dict[str, Any] = {}
    own: dict[str, Any] = {}
    try:
        written = settings.read_toml(workspace.root / asked.file) if asked.file else {}
    except TemperError as error:
        problems.append(Problem("", text_of(error)))
    for override in asked.overrides:
        try:
            put(own, override)
        except TemperError as error:
            problems.append(Problem(override.partition("=")[0], text_of(error)))
    return written, own


def base_of(workspace: Workspace, reference: str) -> tuple[ModelDirectory | None, TemperError | None]:
    """The base, or why there is none; neither where none is named."""
    if not reference:
        return None, None
    try:
        return find_base(workspace, reference), None
    except TemperError as error:
        return None, error


def preset_of(asked: Asked, base: ModelDirectory | None, raw: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The keys and the name of the preset that was asked for, or of the one that suits the base."""
    name = asked.preset
    if name is None:
        suits = not asked.file and base is not None
        method, objective = (str(raw.get(key, "")) for key in ("method", "objective"))
        name = presets.choose(base.parameters, method, objective) if suits and base is not None else ""
    return (presets.read(name), name) if name in presets.names() else ({}, "")


def fit_length(keys: dict[str, Any], base: ModelDirectory) -> None:
    """Cut a length that nobody chose to what the base reads, as the command line does."""
    if base.context_length:
        keys["max_length"] = min(keys.get("max_length", Recipe().max_length), base.context_length)


def of_settings(raw: dict[str, Any]) -> list[Problem]:
    """Every value that is none, and what cannot be left out."""
    missing = {"base": "choose a base model", "dataset": "choose a dataset"}
    return [split(one) for one in settings.check(raw, Recipe)] + [
        Problem(key, text) for key, text in missing.items() if not raw.get(key)
    ]


def split(problem: str) -> Problem:
    """`key: what is wrong`, taken apart."""
    key, _, text = problem.partition(": ")
    return Problem(key, text)


def without(raw: dict[str, Any], problems: Sequence[Problem]) -> dict[str, Any]:
    """The keys without those that something is wrong with: they are as if left out."""
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    for problem in problems:
        table, _, inner = problem.key.partition(".")
        if inner and isinstance(kept.get(table), dict):
            kept[table].pop(inner, None)
        else:
            kept.pop(table, None)
    return kept


def of_preflight(workspace: Workspace, recipe: Recipe, missing: TemperError | None) -> list[Problem]:
    """What stands against the run, each at its field. What is not named at all was told already."""
    _, errors = examine(workspace, recipe)
    told = [error for error in errors if not (not recipe.base and error is errors[0])]
    found = []
    for error in told:
        same = missing is not None and str(error) == str(missing)
        found.append(Problem("base", text_of(error)) if same else placed(error, recipe))
    return found


def placed(error: TemperError, recipe: Recipe) -> Problem:
    """An error at the field that it speaks of, as far as its words tell."""
    text = text_of(error)
    keys = [*recipe.__struct_fields__, *(f"lora.{name}" for name in recipe.lora.__struct_fields__)]
    every = "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))
    telling = "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True) if set(key) & set("_."))
    named = "|".join(re.escape(str(value)) for key in NAMES if (value := getattr(recipe, key)))
    if found := re.match(rf"({every})(?!\w)", text):  # its title begins with the field
        return Problem(found[1], text)
    if found := re.search(rf"(?<![\w.])({every}) (?:says|names|is \d)", text):
        return Problem(found[1], text)
    if found := re.search(rf"(?<![\w.])({telling})(?!\w)", text):
        return Problem(found[1], text)
    if named and (found := re.search(named, text)):
        return Problem(next(key for key in NAMES if getattr(recipe, key) == found[0]), text)
    return Problem("", text)


def text_of(error: TemperError) -> str:
    """An error's three parts as one line."""
    return " ".join(f"{error.title}: {error.happened} {error.remedy}".split())


def planned(
    workspace: Workspace, base: ModelDirectory, recipe: Recipe, rows: Counted | None, machine: Machine
) -> TrainingPlan:
    """The plan from rows that were counted, or as if each was as long as the recipe allows."""
    if rows is not None:
        return plan_counted(base, recipe, rows, machine)
    endings = 2 if recipe.objective in ("dpo", "orpo") else 1

    def demands(one: Recipe) -> Demand:
        most = unknown_rows(one, one.batch_size)
        return Demand(most.tokens * endings, most.trained * endings, most.rows, most.longest)

    return plan(shape_of(base), with_steps(recipe, row_number(workspace, recipe)), machine, demands)


def row_number(workspace: Workspace, recipe: Recipe) -> int:
    """How many rows the dataset has; one step's, where that is not known yet."""
    if imported(workspace, recipe.dataset):
        asked = datasets.parse_reference(recipe.dataset)
        info = datasets.load_info(workspace.paths, asked.name, asked.version)
        return max(1, round(recipe.rows_share * info.splits.get(asked.split or "train", info.rows_kept)))
    return recipe.batch_size * recipe.gradient_accumulation


def verdict_of(workspace: Workspace, recipe: Recipe) -> str:
    """The newest data check's verdict; empty where there was none."""
    if not imported(workspace, recipe.dataset):
        return ""
    try:
        report = newest_report(workspace, recipe.dataset)
    except TemperError:  # a version that is not there: told already
        return ""
    return report.verdict if report is not None else ""
