"""A short training run, where there is no adapter to measure: enough to see whether one helps."""

from __future__ import annotations

import msgspec

from engine.jobs.advising.ways import plain_variant
from engine.models.variants import describe
from engine.training.recipe import load_recipe
from store import datasets
from store.errors import TemperError, UsageError
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder
from store.workspace import Workspace

RATE = 2e-4


def probe_recipe(workspace: Workspace, dataset: str, variant: str, steps: int) -> Recipe:
    """The workspace's own recipe for the dataset and base, cut to `steps`; else a plain LoRA.

    Raises UsageError where there is no dataset to train on.
    """
    if not dataset:
        raise UsageError(
            "There is nothing to train a probe on",
            "The suite's cases come from no dataset, and none was named.",
            "Name one with --rows DATASET, or leave --probe out.",
        )
    recipe = own_recipe(workspace, dataset, variant) or plain_recipe(workspace, dataset, variant)
    warmup = min(recipe.warmup_steps, steps // 10)
    return msgspec.structs.replace(recipe, max_steps=min(steps, recipe.max_steps), warmup_steps=warmup)


def own_recipe(workspace: Workspace, dataset: str, variant: str) -> Recipe | None:
    """The first recipe of the workspace that trains an adapter of the variant's base on the dataset."""
    model = describe(workspace, variant).model
    for path in sorted((workspace.root / "recipes").glob("*.toml")):
        try:
            recipe = load_recipe(path)
            same = describe(workspace, recipe.base).model == model
        except TemperError:
            continue
        if same and recipe.method != "full" and datasets.parse_reference(recipe.dataset).name == dataset:
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


def start_probe(workspace: Workspace, dataset: str, variant: str, steps: int) -> RunFolder:
    """The probe as a training run of its own. Raises what `temper train` would."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams
    from engine.training import preflight

    recipe = probe_recipe(workspace, dataset, variant or plain_variant(workspace), steps)
    preflight.check(workspace, recipe)
    return launch.start(
        workspace, "train", TrainParams(recipe), f"probe: {dataset}, {recipe.max_steps} steps"
    )
