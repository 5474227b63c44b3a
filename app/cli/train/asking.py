"""What a person says of a run on the command line: becomes a recipe, and the command that says it again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import msgspec

from app.cli.places import as_model
from store.errors import TemperError
from store.records.recipe import Recipe
from store.workspace import Workspace


class Asked(msgspec.Struct):
    """The options as they were typed; `recipe` is a file or a name in recipes/, or nothing."""

    recipe: str | None = None
    base: str = ""
    dataset: str = ""
    method: str = ""
    objective: str = ""
    preset: str = ""
    launcher: str = ""
    processes: int = 1
    overrides: tuple[str, ...] = ()


def recipe_file(workspace: Workspace, asked: Asked) -> Path | None:
    """The recipe's file, if one was named. Raises MissingError where it is not there."""
    from engine.training.recipe import find_recipe

    return find_recipe(workspace.root, asked.recipe, Path.cwd()) if asked.recipe else None


def read_recipe(workspace: Workspace, file: Path | None, asked: Asked) -> Recipe:
    """The recipe with all that the command line says; without a file on top of a shipped one."""
    from engine.training.preflight import fitted
    from engine.training.recipe import load_recipe

    named = {
        "base": as_model(workspace, asked.base) if asked.base else "",
        "dataset": asked.dataset,
        "method": asked.method,
        "objective": asked.objective,
    }
    # JSON strings are TOML strings: quoted, a dataset called 2024 stays a name
    options = [f"{key}={json.dumps(value)}" for key, value in named.items() if value]
    preset = asked.preset or ("" if file else suited(workspace, named["base"], asked))
    recipe = load_recipe(file, [*asked.overrides, *options], preset)
    keys = {override.partition("=")[0].strip() for override in asked.overrides}
    return recipe if file or "max_length" in keys else fitted(workspace, recipe)


def suited(workspace: Workspace, base: str, asked: Asked) -> str:
    """The preset for the size of the base; none where there is no such base, which is told later."""
    from engine.training.preflight import find_base
    from engine.training.preset import choose, names

    values = dict(one.partition("=")[::2] for one in asked.overrides)
    method, objective = (
        said or values.get(key, "").strip("\"' ")
        for key, said in (("method", asked.method), ("objective", asked.objective))
    )
    try:
        found = choose(find_base(workspace, base).parameters, method, objective) if base else ""
    except TemperError:
        return ""
    return found if found in names() else ""


def command_line(workspace: Workspace, file: Path | None, asked: Asked) -> str:
    """The command that asks for the same again, from the workspace's folder."""
    words = ["temper", "train"]
    if file:
        inside = file.is_relative_to(workspace.root)
        words.append(str(file.relative_to(workspace.root) if inside else file))
    base = as_model(workspace, asked.base) if asked.base else ""
    for option, value in (
        ("--preset", asked.preset),
        ("--base", base),
        ("--dataset", asked.dataset),
        ("--method", asked.method),
        ("--objective", asked.objective),
        ("--launcher", asked.launcher),
        ("--processes", str(asked.processes) if asked.processes > 1 else ""),
    ):
        words += [option, value] if value else []
    for override in asked.overrides:
        words += ["--set", override]
    return shlex.join(words)
