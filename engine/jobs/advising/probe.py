"""A short training run, where there is no adapter to measure: enough to see whether one helps."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from engine.data.ensure import ensure_dataset
from engine.evals.advisor.deciding import FEWEST
from engine.evals.suite import LoadedSuite
from engine.jobs.advising.ways import (
    PROBE,
    Wanted,
    dataset_of,
    is_probe,
    newest_adapter,
    plain_variant,
)
from engine.jobs.side_by_side import recipe_of
from engine.models.directory import ModelDirectory
from engine.models.variants import describe
from engine.training.levers import with_steps
from engine.training.recipe import load_recipe
from store import datasets, runs
from store.errors import TemperError, UsageError
from store.records.evals import CasesFrom
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder
from store.workspace import Workspace

RATE, RATE_WIDTH = 2e-4, 4096
"""A usual learning rate of LoRA, and the width of hidden states that it is usual for."""
LEAKS = "leakage"
"""The check whose findings stop no probe: the advice leaves out what stands among the rows to train on."""


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
    """A small LoRA under the variant's own prompt: training and serving read the same.

    The rate falls with the width of the base, from 2e-3 at 128 (decision 0007) to RATE at RATE_WIDTH.
    """
    settings = workspace.variant(variant) if variant in workspace.config.variants else None
    return Recipe(
        base=(settings.model if settings and settings.model else variant),
        dataset=dataset,
        method="lora",
        prompt=(settings.prompt or "") if settings else "",
        template=describe(workspace, variant).template,
        learning_rate=rate_of(describe(workspace, variant).model),
        lora=Lora(rank=16, alpha=32),
    )


def rate_of(model: Path) -> float:
    """The learning rate for a model's width; RATE where its config.json does not say."""
    try:
        width = int(ModelDirectory(model).config.get("hidden_size") or RATE_WIDTH)
    except TemperError:
        return RATE  # whoever starts the run says what is wrong with the model
    return float(f"{RATE * (RATE_WIDTH / width) ** (2 / 3):.1e}")


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


def start_where_missing(
    workspace: Workspace, loaded: LoadedSuite, wanted: Wanted, limit: int | None, steps: int, asked_for: bool
) -> RunFolder | None:
    """A probe of the suite's rows, unless there is an adapter; None where none is started.

    One that is `asked_for` takes the place of a shorter probe, and what stands against it is raised. Else
    `wanted.unprobed` says why there is none.
    """
    dataset = dataset_of(loaded, wanted)
    variant = wanted.variant or plain_variant(workspace)
    known = wanted.adapter or newest_adapter(workspace, dataset, variant)
    longer = asked_for and not wanted.adapter
    if known and not (longer and is_shorter(workspace, known, dataset, variant, steps)):
        return None
    if not (dataset or asked_for):
        return None  # the advice says that nothing could be trained
    if not asked_for and cases_in(workspace, loaded, limit) < FEWEST:
        return None  # too few to tell anything, whatever is trained
    try:
        return start_probe(workspace, dataset, variant, steps)
    except TemperError as error:
        if asked_for:
            raise
        wanted.unprobed = f"no probe could be trained: {error.title}. {error.happened}"
        return None


def is_shorter(workspace: Workspace, run_id: str, dataset: str, variant: str, steps: int) -> bool:
    """Whether a run is a probe of fewer steps than one would have now."""
    run = runs.find(workspace.paths.runs, run_id, "train")
    now = probe_recipe(workspace, dataset, variant, steps).max_steps
    return is_probe(run) and recipe_of(run).max_steps < now


def start_probe(workspace: Workspace, dataset: str, variant: str, steps: int) -> RunFolder:
    """The probe as a training run of its own. Raises what `temper train` would, but for leaks."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams
    from engine.training import preflight

    recipe = preflight.fitted(
        workspace, probe_recipe(workspace, dataset, variant or plain_variant(workspace), steps)
    )
    preflight.check(workspace, recipe, [LEAKS])
    params = TrainParams(recipe, let_pass=[LEAKS])
    return launch.start(workspace, "train", params, f"{PROBE}{dataset}, {recipe.max_steps} steps")
