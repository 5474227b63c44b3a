"""A recipe's datasets as its objective takes them: rows, pairs, single answers, pieces of texts.

Renders through engine.data.rendering alone, so what is trained is what is asked. Loads no model.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from engine.data.ensure import ensure_dataset
from engine.data.rendering import Renderer, Row, cut, endings
from engine.models.directory import ModelDirectory
from engine.models.variants import read_prompt
from engine.training.consistency import of_kind
from engine.training.data import TrainingData
from engine.training.rows import RowReport, render_rows, report_on
from store import datasets
from store.errors import UsageError
from store.records.data import Example
from store.records.recipe import Recipe
from store.workspace import Workspace

HELDOUT = "heldout"
_WHOLE = 1 << 62


def renderer_of(workspace: Workspace, base: ModelDirectory, recipe: Recipe) -> Renderer:
    """What writes the recipe's rows as token ids."""
    system = read_prompt(workspace, recipe.prompt) if recipe.prompt else ""
    return Renderer(base, recipe.template, system, recipe.mask)


def read_data(workspace: Workspace, renderer: Renderer, recipe: Recipe) -> tuple[TrainingData, RowReport]:
    """All rows that the recipe trains and measures on.

    Raises UsageError where a dataset has rows of the wrong kind, or none of them is left.
    """
    refuse_kind(workspace, "dataset", recipe.dataset, recipe)
    examples = drawn(datasets.read_rows(workspace.paths, recipe.dataset), recipe)
    data, report = render(renderer, examples, recipe)
    if recipe.replay_dataset and recipe.replay_share:
        ensure_dataset(workspace, recipe.replay_dataset)
        refuse_kind(workspace, "replay_dataset", recipe.replay_dataset, recipe)
        general = datasets.read_rows(workspace.paths, recipe.replay_dataset)
        data.rows += replayed(renderer, general, len(data.rows), recipe)
    if reference := heldout_reference(workspace, recipe):
        ensure_dataset(workspace, reference)
        refuse_kind(workspace, "eval_dataset", reference, recipe)
        data.heldout, _ = render(renderer, datasets.read_rows(workspace.paths, reference), recipe)
    return data, report


def drawn(examples: Sequence[Example], recipe: Recipe) -> Sequence[Example]:
    """`rows_share` of the examples, in their order; a smaller share is always part of a larger one."""
    if recipe.rows_share == 1:
        return examples
    order = random.Random(recipe.seed).sample(range(len(examples)), len(examples))
    chosen = sorted(order[: max(1, round(len(examples) * recipe.rows_share))])
    return [examples[at] for at in chosen]


def refuse_kind(workspace: Workspace, field: str, reference: str, recipe: Recipe) -> None:
    """Raise UsageError for rows that the recipe's objective cannot take."""
    for problem in of_kind(workspace, field, reference, recipe):
        raise problem


def heldout_reference(workspace: Workspace, recipe: Recipe) -> str:
    """The rows that loss is measured on while training; empty where none are asked for.

    Raises UsageError where the dataset has none; empty too while it is not imported.
    """
    if not recipe.eval_every or recipe.eval_dataset:
        return recipe.eval_dataset if recipe.eval_every else ""
    asked = datasets.parse_reference(recipe.dataset)
    if not datasets.versions(workspace.paths, asked.name):
        return ""
    info = datasets.load_info(workspace.paths, asked.name, asked.version)
    inside = info.splits.get(HELDOUT, 0) and asked.split != HELDOUT
    if not inside:
        raise UsageError(
            "There are no rows to measure on",
            f"eval_every is {recipe.eval_every}, {recipe.dataset} holds none out, eval_dataset is empty.",
            f"Hold some out (temper data split {asked.name}), name an eval_dataset, or set eval_every = 0.",
        )
    return f"{info.name}@{info.version}/{HELDOUT}"


def judged_at_end(workspace: Workspace, recipe: Recipe) -> Recipe:
    """The recipe with held-out loss measured after its last step, if nobody asked and there are rows for it.

    Held-out rows judge runs against each other better than training loss does.
    """
    asked = msgspec.structs.replace(recipe, eval_every=recipe.eval_every or recipe.max_steps)
    try:
        return asked if heldout_reference(workspace, asked) else recipe
    except UsageError:
        return recipe


def render(renderer: Renderer, examples: Sequence[Example], recipe: Recipe) -> tuple[TrainingData, RowReport]:
    """Examples as the recipe's objective takes them, and what was left out of them."""
    if recipe.objective in ("dpo", "orpo"):
        return pairs(renderer, examples, recipe.max_length)
    if recipe.objective == "kto":
        return answers(renderer, examples, recipe.max_length)
    if recipe.objective == "text":
        rows, report = render_rows(renderer, examples, _WHOLE)
        pieces = [piece for row in rows for piece in divided(row, recipe.max_length)]
        return TrainingData(pieces), msgspec.structs.replace(report, rows=len(pieces))
    rows, report = render_rows(renderer, examples, recipe.max_length)
    return TrainingData(rows), report


def pairs(renderer: Renderer, examples: Sequence[Example], max_length: int) -> tuple[TrainingData, RowReport]:
    """Preferences whose endings both have a token to train on; of the others both are left out."""
    found = [renderer.pair(example, max_length) for example in examples]
    kept = [(chosen, rejected) for chosen, rejected in found if chosen.trained and rejected.trained]
    report = report_on([row for pair in kept for row in pair], [row for pair in found for row in pair])
    left_out = [chosen.line for chosen, rejected in found if not (chosen.trained and rejected.trained)]
    report = msgspec.structs.replace(report, rows=len(kept), untrained=left_out)
    return TrainingData([chosen for chosen, _ in kept], [rejected for _, rejected in kept]), report


def answers(
    renderer: Renderer, examples: Sequence[Example], max_length: int
) -> tuple[TrainingData, RowReport]:
    """Single answers and whether they are desirable; of a preference the chosen one is, the other is not."""
    found: list[tuple[Row, bool]] = []
    for example in examples:
        judged = (
            zip(endings(example), (True, False), strict=True)
            if example.rejected
            else [(example, bool(example.label))]
        )
        found += [
            (cut(renderer.render(one, "completion"), one.line, max_length), good) for one, good in judged
        ]
    kept = [(row, good) for row, good in found if row.trained]
    report = report_on([row for row, _ in kept], [row for row, _ in found])
    return TrainingData([row for row, _ in kept], desirable=[good for _, good in kept]), report


def divided(row: Row, max_length: int) -> list[Row]:
    """A text in pieces of at most `max_length` tokens. Each begins with the token that the one before ended
    with, so that every token but the first is predicted, once.
    """
    if len(row.input_ids) <= max_length:
        return [row]
    return [
        msgspec.structs.replace(
            row,
            input_ids=row.input_ids[begin : begin + max_length],
            labels=row.labels[begin : begin + max_length],
        )
        for begin in range(0, len(row.input_ids) - 1, max_length - 1)
    ]


def replayed(renderer: Renderer, general: Sequence[Example], own: int, recipe: Recipe) -> list[Row]:
    """So many general rows that they are `replay_share` of all, drawn by the seed; fewer where there are."""
    wanted = round(own * recipe.replay_share / (1 - recipe.replay_share))
    chosen = random.Random(recipe.seed).sample(range(len(general)), min(wanted, len(general)))
    rows, _ = render_rows(renderer, [general[at] for at in sorted(chosen)], recipe.max_length)
    return rows
