"""Recipes: a TOML file, changed by `--set key=value`, checked as a whole. Knows nothing of models or data."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from store import settings
from store.errors import UsageError
from store.records.recipe import Recipe


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
            "Add them to the file, or give " + " ".join(f"--{name}" for name in missing) + " on the command line.",
        )
    return recipe


def put(raw: dict[str, Any], override: str) -> None:
    """Apply one `lora.rank=32`: the value is read as TOML, and as plain text where it is none."""
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError("--set needs key=value", f"Got {override!r}.", "For example: --set learning_rate=1e-3")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *tables, name = key.strip().split(".")
    for table in tables:
        raw = raw.setdefault(table, {})
        if not isinstance(raw, dict):
            raise UsageError("--set goes through something that is no table", f"{key}.", "See the recipe's keys.")
    raw[name] = value


def write_recipe(recipe: Recipe) -> str:
    """The recipe as TOML, every field spelled out."""
    return tomlkit.dumps(msgspec.to_builtins(recipe))
