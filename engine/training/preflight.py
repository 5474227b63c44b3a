"""What can be known of a training run before it starts: is all there that the recipe names, does it fit?

Reads small files only and loads no weights, so that a run that could only fail is not started. What needs
the device or the rows is found by the run itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from engine.data.ensure import check_reference
from engine.data.rendering import check_template
from engine.evals.suite.finding import find_suite
from engine.models.directory import ModelDirectory
from engine.models.locate import locate_model
from engine.models.variants import read_prompt
from engine.training import consistency, division, gate
from engine.training.reading import heldout_reference
from engine.training.trial_rows import BUILTIN
from store.errors import TemperError, UsageError
from store.records.recipe import Recipe
from store.workspace import Workspace

T = TypeVar("T")


def check(
    workspace: Workspace, recipe: Recipe, accept: Sequence[str] = (), processes: int = 1
) -> ModelDirectory:
    """The base, once nothing stands against the run. Raises TemperError that names every problem.

    `accept` names findings of the data check that may pass (see engine.training.gate); `processes` is how
    many do the run.
    """
    base, problems = examine(workspace, recipe, accept)
    problems += division.standing_against(recipe, processes)
    if base is None or problems:
        raise together(problems)
    return base


def examine(
    workspace: Workspace, recipe: Recipe, accept: Sequence[str] = ()
) -> tuple[ModelDirectory | None, list[TemperError]]:
    """The base, where it is one, and everything that stands against the run."""
    problems: list[TemperError] = []

    def attempt(look: Callable[[], T]) -> T | None:
        try:
            return look()
        except TemperError as error:
            problems.append(error)
            return None

    base = attempt(lambda: find_base(workspace, recipe.base))
    if base is not None:
        attempt(lambda: check_length(base, recipe))
        attempt(lambda: check_template(base, recipe.template))
        problems += consistency.of_base(base, recipe)
        problems += consistency.of_start(workspace, base, recipe)
    problems += consistency.of_recipe(recipe)
    for field in ("dataset", "eval_dataset", "replay_dataset"):
        reference = getattr(recipe, field)
        if reference and attempt(partial(found, workspace, reference)):
            problems += consistency.of_kind(workspace, field, reference, recipe)
    if recipe.general not in ("", BUILTIN):
        attempt(partial(found, workspace, recipe.general))
    if recipe.forgetting not in ("", BUILTIN):
        attempt(lambda: find_suite(workspace.root, recipe.forgetting))
    if recipe.dataset and not problems:
        attempt(lambda: heldout_reference(workspace, recipe))
    if recipe.prompt:
        attempt(lambda: read_prompt(workspace, recipe.prompt))
    if recipe.dataset and not problems:
        attempt(lambda: check_findings(workspace, recipe, accept))
    return base, problems


def found(workspace: Workspace, reference: str) -> bool:
    """True for a dataset that is there or can be imported. Raises UsageError for any other."""
    check_reference(workspace, reference)
    return True


def check_findings(workspace: Workspace, recipe: Recipe, accept: Sequence[str]) -> None:
    """Raise RefusedError where the newest data check, if there is one, found what stops training."""
    report = gate.newest_report(workspace, recipe.dataset)
    if report is not None:
        gate.stand(workspace, report, recipe, accept)


def find_base(workspace: Workspace, reference: str) -> ModelDirectory:
    """The directory of the base `reference`. Raises MissingError or UsageError when it cannot be trained."""
    path = locate_model(workspace, reference)
    if path.suffix == ".gguf":
        raise UsageError(
            "A GGUF file cannot be trained",
            f"{path.name} is for inference.",
            "Name the Hugging Face directory that it was made from.",
        )
    return ModelDirectory(path)


def fitted(workspace: Workspace, recipe: Recipe) -> Recipe:
    """The recipe with `max_length` cut to what its base reads: for recipes in which nobody chose it."""
    try:
        context = find_base(workspace, recipe.base).context_length
    except TemperError:
        return recipe  # `check` says what is wrong with the base
    return msgspec.structs.replace(recipe, max_length=min(recipe.max_length, context or recipe.max_length))


def check_length(base: ModelDirectory, recipe: Recipe) -> None:
    """Raise UsageError when rows could be longer than the base was made for."""
    if base.context_length and recipe.max_length > base.context_length:
        raise UsageError(
            "max_length is more than the base can read",
            f"The recipe says {recipe.max_length}, {recipe.base} reads {base.context_length} tokens.",
            f"Set max_length = {base.context_length} or less.",
        )


def together(problems: list[TemperError]) -> TemperError:
    """One problem as it is; several as one, with the exit code of the first."""
    if len(problems) == 1:
        return problems[0]
    listed = "\n".join(f"{one.title}: {one.happened} {one.remedy}" for one in problems)
    whole = TemperError(f"{len(problems)} things stand against this run", listed, "Nothing was started.")
    whole.exit_code = problems[0].exit_code
    return whole
