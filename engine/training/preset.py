"""Shipped recipes by size of the base and method: where a run starts from when nobody wrote a recipe.

They lie in presets/ as TOML files that name neither base nor dataset. Knows nothing of the device: what
suits its memory is planned for each run.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from store import settings
from store.errors import UsageError

FOLDER = Path(__file__).parent / "presets"
SIZES = (("tiny", 0.5e9), ("1b", 2e9), ("3b", 5.5e9), ("8b", 11e9), ("14b", float("inf")))
"""Names of size classes, and how many weights a base of each has at most."""
PREFERENCES = ("dpo", "kto", "orpo")


def names() -> list[str]:
    """All presets, by size and method."""
    order = [name for name, _ in SIZES]
    found = [file.stem for file in FOLDER.glob("*.toml")]
    return sorted(found, key=lambda one: (order.index(size_of(one)), one))


def size_of(name: str) -> str:
    """The size class that a preset is for."""
    return name.partition("-")[0]


def read(name: str) -> dict[str, Any]:
    """The keys of the preset `name`. Raises UsageError with the nearest name where there is none."""
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            "No preset has that name", f"{name!r} is none.{hint}", f"There are {', '.join(known)}."
        )
    return settings.read_toml(FOLDER / f"{name}.toml")


def choose(parameters: int, method: str = "", objective: str = "") -> str:
    """The preset for a base of so many weights, by its method, or as a preference."""
    size = next(name for name, most in SIZES if parameters < most)
    return f"{size}-dpo" if objective in PREFERENCES else f"{size}-{method or 'qlora'}"


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two sets of keys as one; `above` wins, table by table."""
    both = dict(below)
    for key, value in above.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both
