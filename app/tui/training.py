"""What the training form starts and writes, and the names that it offers. Waits: call it in threads.

The run is the one that `temper train` would start; its spec holds the command that says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.tui.recipe_form import RecipeForm, name_of
from store.records.recipe import Recipe
from store.runs import RunFolder
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.jobs.warm import WarmWorker

Names = list[tuple[str, str]]
_OPTIONS = ("base", "dataset", "method", "objective")
_GENERAL = ("builtin", "short rows of several kinds, shipped with Temper")
_BUILTIN = ("builtin:tiny", "the embedded model, for trying things out")


class Choices(msgspec.Struct):
    """What fields can name, each with what it is; and the workspace's recipes."""

    fields: dict[str, Names] = {}
    recipes: Names = []


def choices_in(workspace: Workspace) -> Choices:
    """Everything in the workspace that a recipe can name."""
    from engine.models.adapters import PASSPORT
    from engine.training.recipe import recipes_in
    from store import datasets, runs

    models = [
        (name, one.path) for name, one in workspace.config.models.items() if one.path and _trains(one.path)
    ]
    known = [(name, _rows(workspace, name)) for name in datasets.names(workspace.paths)]
    named = [(name, one.source) for name, one in workspace.config.datasets.items()]
    rows = known + [one for one in named if one[0] not in dict(known)]
    prompts = [
        (str(file.relative_to(workspace.root)), "") for file in sorted(workspace.root.glob("prompts/*"))
    ]
    kept = [
        (path.parent.name, "kept adapter") for path in sorted(workspace.paths.adapters.glob(f"*/{PASSPORT}"))
    ]
    trained = [
        (folder.run_id, "training run")
        for folder in runs.list_folders(workspace.paths.runs)
        if (folder.path / "artifacts" / "adapter" / PASSPORT).is_file()
    ]
    fields = {
        "base": models + [_BUILTIN] * (_BUILTIN[0] not in {path for _, path in models}),
        "dataset": rows,
        "eval_dataset": rows,
        "replay_dataset": rows,
        "general": [_GENERAL, *rows],
        "prompt": prompts,
        "init_from": kept + trained,
    }
    recipes = [
        (path, "cannot be read" if one is None else f"{one.method} {one.base} on {one.dataset}")
        for path, one in recipes_in(workspace.root).items()
    ]
    return Choices(fields, recipes)


def _trains(path: str) -> bool:
    return not path.endswith(".gguf")


def _rows(workspace: Workspace, name: str) -> str:
    from store import datasets

    info = datasets.load_info(workspace.paths, name)
    return f"{info.rows_kept:,} rows, {info.kind}"


def save(workspace: Workspace, name: str, recipe: Recipe) -> str:
    """Write recipes/NAME.toml, every field spelled out; its path from the workspace."""
    from engine.training.recipe import write_recipe
    from store import atomic

    folder = workspace.root / "recipes"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    atomic.write_text(path, write_recipe(recipe))
    return str(path.relative_to(workspace.root))


class Start(msgspec.Struct):
    """What is to be started, as the form had it when it was asked to."""

    recipe: Recipe
    title: str
    command: str


def start_of(workspace: Workspace, form: RecipeForm, recipe: Recipe) -> Start:
    """The run that a form without problems asks for, and the command for the same."""
    from app.cli.train.asking import Asked, command_line

    base, dataset, method, objective = (form.own.get(key, "") for key in _OPTIONS)
    overrides = [form.fields[key].override(text) for key, text in form.own.items() if key not in _OPTIONS]
    preset = (form.preset or "") if form.file else form.outlook.preset
    asked = Asked(form.file or None, base, dataset, method, objective, preset, overrides=tuple(overrides))
    file = workspace.root / form.file if form.file else None
    return Start(recipe, name_of(recipe, form.file), command_line(workspace, file, asked))


def start(workspace: Workspace, asked: Start, warm: WarmWorker | None) -> RunFolder:
    """Start the run, on the warm worker if there is one. Raises what the start of a job raises."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams
    from engine.models import adapters

    recipe = asked.recipe
    recipe.init_from = adapters.settled(workspace, recipe.init_from)  # `last` will be the new run itself
    return launch.start(
        workspace, "train", TrainParams(recipe, forgetting=True), asked.title, asked.command, warm
    )
