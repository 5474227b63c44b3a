"""Training a run again: is everything it was made from still the same, and which run would be the same?"""

from __future__ import annotations

import msgspec

from engine.data.ensure import ensure_dataset
from engine.export.gguf_cache import fingerprint
from engine.jobs.train import TrainParams
from engine.jobs.versions import versions
from engine.models import adapters
from engine.models.directory import ModelDirectory
from engine.training import preflight
from engine.training.machine import find_machine
from engine.training.reading import renderer_of
from store.errors import RefusedError, TemperError, UsageError
from store.hashing import sha256_of_text
from store.records.adapters import AdapterPassport
from store.records.recipe import Recipe
from store.runs import RunFolder
from store.workspace import Workspace

DATA_WORDS = {
    "dataset": "the data",
    "eval_dataset": "the held-out data",
    "replay_dataset": "the replayed data",
    "general": "the general data",
}


class Again(msgspec.Struct):
    """What is to be run, and what is another now without standing against it: libraries, the device."""

    params: TrainParams
    notes: list[str] = []


def prepare(workspace: Workspace, folder: RunFolder) -> Again:
    """The run's recipe as it was resolved then, on the dataset version of then.

    Raises UsageError for a run that kept no passport, RefusedError with everything that has changed.
    """
    passport = passport_of(folder)
    recipe = pinned(passport)
    changed: list[str] = []
    try:
        base = preflight.find_base(workspace, recipe.base)
        changed += changed_base(workspace, base, passport)
        changed += changed_texts(workspace, base, recipe, passport)
    except TemperError as error:
        changed.append(f"the base: {error.title}. {error.happened}")
    changed += changed_data(workspace, recipe, passport)
    if changed:
        raise RefusedError(
            f"{folder.run_id} cannot be reproduced: what it was made from has changed",
            "\n".join(changed),
            f"Bring back what it was made from, or train anew: {folder.spec().command or 'temper train'}",
        )
    then = msgspec.convert(folder.spec().params, TrainParams)
    return Again(msgspec.structs.replace(then, recipe=recipe), other_surroundings(passport))


def passport_of(folder: RunFolder) -> AdapterPassport:
    """What the run recorded of itself. Raises UsageError where it kept nothing."""
    for made in (adapters.adapter_folder(folder.path), adapters.model_folder(folder.path)):
        if (made / adapters.PASSPORT).is_file():
            return adapters.read_passport(made)
    raise UsageError(
        "Only a training run with a result can be reproduced",
        f"{folder.run_id} holds no passport: it did not train, or ended before it saved anything.",
        "See the training runs with: temper runs list",
    )


def pinned(passport: AdapterPassport) -> Recipe:
    """The recipe on the dataset versions that were used, as it was divided into passes."""
    _, slash, split = passport.recipe.dataset.partition("/")
    dataset = passport.dataset + slash + split
    return msgspec.structs.replace(passport.recipe, dataset=dataset, micro_batch="as_written")


def changed_base(workspace: Workspace, base: ModelDirectory, passport: AdapterPassport) -> list[str]:
    """The base by its hash. A run on top of a merge names the merge, which is made anew from its adapter."""
    if passport.recipe.init_from and passport.recipe.init_mode == "merge":
        return []
    found = fingerprint(workspace.paths, base)
    return [] if found == passport.base_sha256 else [f"the base: {base.path} has other files than it had"]


def changed_texts(
    workspace: Workspace, base: ModelDirectory, recipe: Recipe, passport: AdapterPassport
) -> list[str]:
    """The prompt file and the template that rows are written with."""
    renderer = renderer_of(workspace, base, recipe)
    changed = []
    if renderer.system != passport.system:
        changed.append(f"the prompt: {recipe.prompt or 'none'} says something else")
    if sha256_of_text(renderer.template or renderer.chat_template) != passport.template_sha256:
        changed.append("the template: rows would be written another way")
    return changed


def changed_data(workspace: Workspace, recipe: Recipe, passport: AdapterPassport) -> list[str]:
    """Every dataset version by its hash: those that are gone or hold other rows."""
    expected = {"dataset": passport.dataset_sha256, **passport.other_data}
    changed = []
    for field, sha256 in expected.items():
        reference, words = getattr(recipe, field), DATA_WORDS[field]
        try:
            found = ensure_dataset(workspace, reference).sha256
        except TemperError as error:
            changed.append(f"{words}: {error.title}. {error.happened}")
            continue
        if found != sha256:
            changed.append(f"{words}: {reference} has other rows")
    return changed


def other_surroundings(passport: AdapterPassport) -> list[str]:
    """Libraries and device that are not those of then: the losses may differ in their last digits."""
    now = versions()
    notes = [
        f"{name} was {then}, is {now.get(name, 'not there')}"
        for name, then in passport.versions.items()
        if now.get(name) != then
    ]
    device = find_machine().name
    if device != passport.device:
        notes.append(f"it ran on {passport.device}, this is {device}")
    return notes
