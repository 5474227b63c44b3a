"""Recipes: a TOML file, changed by `--set key=value`, checked as a whole. Knows nothing of models or data."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from store import settings
from store.errors import MissingError, UsageError
from store.records.recipe import Recipe


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


def load_recipe(path: Path | None, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in `path` (or all defaults) with `key=value` overrides applied.

    Raises UsageError that lists every problem at once, MissingError where there is no file.
    """
    raw = settings.read_toml(path) if path else {}
    for override in overrides:
        put(raw, override)
    recipe = settings.build(raw, Recipe, path.name if path else "the recipe")
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
