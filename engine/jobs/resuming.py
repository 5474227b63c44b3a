"""Where a training run goes on when its worker is not the first: the checkpoint, the recipe, the data."""

from __future__ import annotations

import msgspec

from engine.data.ensure import ensure_dataset
from engine.jobs.context import JobContext
from engine.training.checkpoints import Saved, newest
from engine.training.health import DivergedError
from engine.training.trial_rows import BUILTIN
from store.errors import TemperError
from store.records.events import Resumed, Started
from store.records.recipe import Recipe
from store.runs import read_events
from store.workspace import Workspace

DATASETS = ("dataset", "eval_dataset", "replay_dataset", "general")
"""The fields of a recipe that name rows."""


def take_up(context: JobContext) -> Saved | None:
    """The newest checkpoint that is whole, told of; None where there is none, and for the first worker."""
    folder = context.folder.artifacts / "checkpoints"
    found, passed = newest(folder)
    for sentence in passed:
        context.notice("A checkpoint was passed over", sentence, warn=True)
    workers = sum(isinstance(event, Started) for event in read_events(context.folder.events))
    if workers < 2:
        return None
    path = str(found.path.relative_to(context.folder.path)) if found else ""
    context.emit(Resumed(step=found.manifest.step if found else 0, path=path))
    if found is None:
        context.notice("There is no checkpoint yet", "It begins again from the first step.", warn=True)
    return found


def same_data(recipe: Recipe, found: Saved | None) -> Recipe:
    """The recipe with the dataset versions that the run began with: newer ones may be there by now."""
    began_with = found.manifest.inputs if found else {}
    return msgspec.structs.replace(
        recipe, **{field: began_with[field] for field in DATASETS if began_with.get(field)}
    )


def used_fields(recipe: Recipe) -> list[str]:
    """Those of DATASETS that the recipe makes use of."""
    idle = {"replay_dataset": not recipe.replay_share, "general": recipe.general == BUILTIN}
    return [field for field in DATASETS if getattr(recipe, field) and not idle.get(field)]


def pinned(workspace: Workspace, recipe: Recipe) -> Recipe:
    """The recipe with every dataset that it uses by its version, imported where that has not been done."""
    versions = {field: versioned(workspace, getattr(recipe, field)) for field in used_fields(recipe)}
    return msgspec.structs.replace(recipe, **versions)


def versioned(workspace: Workspace, reference: str) -> str:
    """`chats/heldout` as `chats@2/heldout`, where 2 is the newest version."""
    info = ensure_dataset(workspace, reference)
    _, slash, split = reference.partition("/")
    return f"{info.name}@{info.version}{slash}{split}"


def inputs_of(recipe: Recipe) -> dict[str, str]:
    """What a checkpoint says of the run's data, so that it can be had again; `recipe` is pinned."""
    return {field: getattr(recipe, field) for field in used_fields(recipe)}


def other_data(workspace: Workspace, recipe: Recipe) -> dict[str, str]:
    """The hashes of the datasets that the run used besides the one that it trained on, by their field."""
    used = used_fields(recipe)[1:]
    return {field: ensure_dataset(workspace, getattr(recipe, field)).sha256 for field in used}


def with_way_on(error: TemperError, context: JobContext) -> TemperError:
    """The error, its remedy ending with how the run goes on once it is followed.

    One that diverged stays as it is: it would diverge again.
    """
    if isinstance(error, DivergedError):
        return error
    found, _ = newest(context.folder.artifacts / "checkpoints")
    where = f"Go on from step {found.manifest.step}" if found else "Begin again"
    error.remedy = f"{error.remedy}\n{where}: temper runs resume {context.spec.run_id}"
    return error
