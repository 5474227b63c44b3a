"""Where a training run goes on when its worker is not the first: the checkpoint, the recipe, the data."""

from __future__ import annotations

import msgspec

from engine.jobs.context import JobContext
from engine.training.checkpoints import Saved, newest
from engine.training.health import DivergedError
from store.errors import TemperError
from store.records.data import DatasetInfo
from store.records.events import Resumed, Started
from store.records.recipe import Recipe
from store.runs import read_events


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
    """The recipe with the dataset version that the run began with: a newer one may be there by now."""
    began_with = found.manifest.inputs.get("dataset") if found else None
    return msgspec.structs.replace(recipe, dataset=began_with) if began_with else recipe


def inputs_of(recipe: Recipe, dataset: DatasetInfo) -> dict[str, str]:
    """What a checkpoint says of the run's data, so that it can be had again."""
    _, _, split = recipe.dataset.partition("/")
    return {"dataset": f"{dataset.name}@{dataset.version}" + (f"/{split}" if split else "")}


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
