"""A short training run, where there is no adapter to measure: enough to see whether one helps."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from engine.data.ensure import ensure_dataset
from engine.evals.suite import LoadedSuite
from engine.jobs.advising.ways import PROBE, plain_variant
from engine.models.variants import describe
from engine.training.levers import with_steps
from engine.training.recipe import load_recipe
from store import datasets
from store.errors import TemperError, UsageError
from store.records.evals import CasesFrom
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder
from store.workspace import Workspace

RATE = 2e-4


def probe_recipe(workspace: Workspace, dataset: str, variant: str, steps: int) -> Recipe:
    """The workspace's own recipe for the dataset and base, cut to `steps`; else a plain LoRA.

    Raises UsageError where there is no dataset to train on, or no weights on this machine.
    """
    if not dataset:
        raise UsageError(
            "There is nothing to train a probe on",
            "The suite's cases come from no dataset, and none was named.",
            "Name one with --rows DATASET, or leave it out: --no-probe",
        )
    if describe(workspace, variant).remote is not None:
        raise UsageError(
            "A model behind an API cannot be trained",
            f"{variant!r} has no weights on this machine.",
            "Start from a model of this machine: --variant V, or leave it out: --no-probe",
        )
    recipe = own_recipe(workspace, dataset, variant) or plain_recipe(workspace, dataset, variant)
    most = steps if recipe.epochs else min(steps, recipe.max_steps)
    warmup = min(recipe.warmup_steps, most // 10)
    return msgspec.structs.replace(recipe, max_steps=most, epochs=0.0, warmup_steps=warmup)


def whole_steps(workspace: Workspace, dataset: str, variant: str) -> int:
    """How many steps the run has that a probe is cut from."""
    recipe = own_recipe(workspace, dataset, variant) or plain_recipe(workspace, dataset, variant)
    rows = 0
    with suppress(TemperError):
        rows = datasets.load_info(workspace.paths, dataset).splits.get("train", 0)
    return with_steps(recipe, rows).max_steps


def own_recipe(workspace: Workspace, dataset: str, variant: str) -> Recipe | None:
    """The first recipe of the workspace that trains an adapter of the variant's base on the dataset."""
    model = describe(workspace, variant).model
    for path in sorted((workspace.root / "recipes").glob("*.toml")):
        try:
            recipe = load_recipe(path)
            same = describe(workspace, recipe.base).model == model
            mine = datasets.parse_reference(recipe.dataset).name == dataset
        except TemperError:
            continue
        if same and mine and recipe.objective == "sft" and recipe.method != "full":
            return recipe
    return None


def plain_recipe(workspace: Workspace, dataset: str, variant: str) -> Recipe:
    """A small LoRA under the variant's own prompt: training and serving read the same."""
    settings = workspace.variant(variant) if variant in workspace.config.variants else None
    return Recipe(
        base=(settings.model if settings and settings.model else variant),
        dataset=dataset,
        method="lora",
        prompt=(settings.prompt or "") if settings else "",
        template=describe(workspace, variant).template,
        learning_rate=RATE,
        lora=Lora(rank=16, alpha=32),
    )


def cases_in(workspace: Workspace, loaded: LoadedSuite, limit: int | None) -> int:
    """How many cases the suite has; its dataset is imported first where needed."""
    source = loaded.suite.cases
    if isinstance(source, CasesFrom):
        info = ensure_dataset(workspace, source.dataset)
        count = info.splits.get(datasets.parse_reference(source.dataset).split or "train", 0)
        count = min(count, source.limit or count)
    else:
        count = len(source)
    return min(count, limit or count)


def start_probe(workspace: Workspace, dataset: str, variant: str, steps: int) -> RunFolder:
    """The probe as a training run of its own. Raises what `temper train` would."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams
    from engine.training import preflight

    recipe = preflight.fitted(
        workspace, probe_recipe(workspace, dataset, variant or plain_variant(workspace), steps)
    )
    preflight.check(workspace, recipe)
    return launch.start(
        workspace, "train", TrainParams(recipe), f"{PROBE}{dataset}, {recipe.max_steps} steps"
    )
