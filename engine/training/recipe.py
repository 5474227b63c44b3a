"""Recipes: a TOML file, changed by `--set key=value`, checked as a whole. Knows nothing of models or data."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from engine.training import preset as presets
from store import settings
from store.errors import MissingError, TemperError, UsageError
from store.records.recipe import Recipe

ALTERNATIVES = (("max_steps", "epochs"), ("warmup_steps", "warmup_ratio"))
"""Keys that say the same in two ways."""


def find_recipe(root: Path, reference: str, here: Path) -> Path:
    """The file that `reference` means: a path from `here` or from the workspace, or a name in recipes/.

    Raises MissingError with the recipes there are.
    """
    asked = Path(reference).expanduser()
    for place in (here / asked, root / asked, root / "recipes" / f"{reference}.toml"):
        if place.is_file():
            return place.resolve()
    known = sorted(path.name for path in (root / "recipes").glob("*.toml"))
    close = difflib.get_close_matches(asked.name, known, n=1)
    hint = f" Did you mean recipes/{close[0]}?" if close else ""
    raise MissingError(
        "No such recipe",
        f"{reference} is no file; recipes/ holds {', '.join(known) or 'none'}.{hint}",
        "Name a TOML file, or train without one: temper train --base MODEL --dataset DATASET",
    )


def recipes_in(root: Path) -> dict[str, Recipe | None]:
    """The workspace's recipes by their path in it, None for those that cannot be read."""
    found: dict[str, Recipe | None] = {}
    for path in sorted((root / "recipes").glob("*.toml")):
        try:
            found[str(path.relative_to(root))] = load_recipe(path)
        except TemperError:
            found[str(path.relative_to(root))] = None
    return found


def trains_on(root: Path, dataset: str) -> list[str]:
    """The recipes that train on a dataset (its name, whatever version and split), by their path."""
    return [
        path
        for path, recipe in recipes_in(root).items()
        if recipe is not None and recipe.dataset.partition("/")[0].partition("@")[0] == dataset
    ]


def load_recipe(path: Path | None, overrides: Sequence[str] = (), preset: str = "") -> Recipe:
    """The recipe in `path` (or all defaults) on top of a shipped `preset`, `key=value` overrides applied.

    Raises UsageError that lists every problem at once, MissingError where there is no file.
    """
    raw = settings.read_toml(path) if path else {}
    for override in overrides:
        put(raw, override)
    if preset:
        raw = over_preset(presets.read(preset), raw)
    recipe = settings.build(raw, Recipe, path.name if path else "the recipe", contradictions)
    missing = [name for name in ("base", "dataset") if not getattr(recipe, name)]
    if missing:
        raise UsageError(
            "The recipe is not complete",
            f"It names no {' and no '.join(missing)}.",
            "Add them to the file, or give "
            + " ".join(f"--{name}" for name in missing)
            + " on the command line.",
        )
    return recipe


def over_preset(shipped: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A preset with what a person wrote on top: one way to say a thing takes the other's place."""
    for one, other in ALTERNATIVES:
        for written, instead in ((one, other), (other, one)):
            if written in own and instead not in own:
                shipped.pop(instead, None)
    return presets.merged(shipped, own)


def contradictions(recipe: Recipe) -> list[str]:
    """What cannot be meant, though every value is allowed on its own."""
    problems = []
    if recipe.warmup_steps and recipe.warmup_ratio:
        problems.append("warmup_ratio: warmup_steps says the same in steps; give one of them")
    if not recipe.epochs and recipe.warmup_steps >= recipe.max_steps and recipe.warmup_steps:
        problems.append(
            f"warmup_steps: {recipe.warmup_steps} of {recipe.max_steps} steps leave none at the full rate"
        )
    if recipe.final_rate and recipe.schedule not in ("cosine", "wsd"):
        problems.append(f"final_rate: only cosine and wsd end at it, the schedule is {recipe.schedule}")
    if recipe.cycles > 1 and recipe.schedule != "cosine_restarts":
        problems.append(f"cycles: only cosine_restarts has them, the schedule is {recipe.schedule}")
    if recipe.offload == "activations" and recipe.recompute_layers == 0:
        problems.append(
            "offload: what goes to the host are inputs of recomputed layers; recompute_layers is 0"
        )
    if recipe.offload == "activations" and recipe.objective == "orpo":
        problems.append("offload: the trainer of orpo keeps its activations on the card")
    return problems


def put(raw: dict[str, Any], override: str) -> None:
    """Apply one `lora.rank=32`: the value is read as TOML, and as plain text where it is none."""
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError(
            "--set needs key=value", f"Got {override!r}.", "For example: --set learning_rate=1e-3"
        )
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *tables, name = key.strip().split(".")
    for table in tables:
        raw = raw.setdefault(table, {})
        if not isinstance(raw, dict):
            raise UsageError(
                "--set goes through something that is no table", f"{key}.", "See the recipe's keys."
            )
    raw[name] = value


def write_recipe(recipe: Recipe) -> str:
    """The recipe as TOML, every field spelled out."""
    return tomlkit.dumps(msgspec.to_builtins(recipe))
