"""How the rows of an optimiser step are divided over several processes, and what cannot be divided.

A recipe says how many rows a step has: batch_size x gradient_accumulation. That stays so with any number of
processes; each does the same share of the step's forward passes. Imports no torch and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.jobs.queue import gpu_names
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.levers import OPTIMISERS
from engine.training.planning import plan_run
from store.errors import MissingError, TemperError, UsageError
from store.records.plan import TrainingPlan
from store.records.recipe import Recipe

WHOLE_TENSORS = ("auto", "adamw", "adafactor", "sgd")
"""Optimisers of torch and Transformers: those of bitsandbytes hold states that cannot be sharded."""


def check_launch(launcher: str, processes: int, sweep: bool) -> None:
    """Raise UsageError where the options of a launch do not fit together."""
    if launcher not in ("", "accelerate"):
        raise UsageError(
            "No such launcher", f"--launcher says {launcher!r}.", "The one there is: --launcher accelerate"
        )
    if bool(launcher) != (processes > 1):
        raise UsageError(
            "--launcher and --processes belong together",
            f"--launcher is {launcher or 'not given'}, --processes is {processes}.",
            "Give both, for example --launcher accelerate --processes 2, or neither.",
        )
    if sweep and launcher:
        raise UsageError(
            "A sweep trains in one process",
            "Its runs queue for the first GPU, one after another.",
            "Leave --launcher and --processes out.",
        )


def standing_against(recipe: Recipe, processes: int) -> list[TemperError]:
    """`of_processes` on this machine."""
    return list(of_processes(recipe, processes, len(gpu_names()))) if processes > 1 else []


def of_processes(recipe: Recipe, processes: int, cards: int) -> Iterator[TemperError]:
    """Everything that stands against training in `processes` processes on `cards` GPUs (0: on the CPU)."""
    if processes == 1:
        return
    if not hasattr(os, "pidfd_open"):
        yield MissingError(
            "More than one process needs Linux",
            "Elsewhere nothing ends the processes of a run whose worker was killed.",
            "Train in one process: leave --launcher and --processes out.",
        )
    yield from _of_rows(recipe, processes)
    if recipe.objective == "kto":
        yield UsageError(
            "kto trains in one process",
            "It measures how far the model has left the reference on the rows of one forward pass; TRL takes "
            "the mean over all processes, so the same recipe would learn something else.",
            "Leave --launcher and --processes out, or train with dpo or orpo.",
        )
    if recipe.compile:
        yield UsageError(
            "compile is for one process",
            "Compiled models were not tried with gradients that are exchanged in the backward pass.",
            "Set compile = false, or leave --launcher and --processes out.",
        )
    if cards:
        yield from _of_cards(recipe, processes, cards)


def _of_rows(recipe: Recipe, processes: int) -> Iterator[TemperError]:
    rows = step_rows(recipe)
    if rows % processes:
        accumulation = recipe.gradient_accumulation
        while recipe.batch_size * accumulation % processes:
            accumulation += 1
        yield UsageError(
            f"A step of {rows} rows cannot be divided over {processes} processes",
            "batch_size x gradient_accumulation are the rows of a step in all processes together, and each "
            "takes as many as the others.",
            f"Choose a number of processes that divides {rows}, or set gradient_accumulation = "
            f"{accumulation} ({recipe.batch_size * accumulation} rows a step).",
        )


def _of_cards(recipe: Recipe, processes: int, cards: int) -> Iterator[TemperError]:
    """Weights are sharded over the cards (engine.training.sharding): what needs them whole is refused."""
    if processes > cards:
        yield UsageError(
            f"There are no {processes} GPUs",
            f"Each process needs a GPU of its own; {cards} can be seen here.",
            f"Set --processes {cards}, or --cpu to train on the processor.",
        )
    if recipe.optimiser not in WHOLE_TENSORS:
        others = ", ".join(name for name in OPTIMISERS if name in WHOLE_TENSORS)
        yield UsageError(
            f"{recipe.optimiser} cannot be divided over GPUs",
            "Its states belong to whole tensors, and every GPU holds a part of each.",
            f"Choose one of {others}.",
        )
    if recipe.offload == "activations":
        yield UsageError(
            "Offloading activations is for one process",
            "It was not tried with weights that are gathered from other GPUs layer by layer.",
            'Set offload = "none".',
        )
    if recipe.eval_every and recipe.keep_best:
        yield UsageError(
            "The best weights cannot be kept while they are divided over GPUs",
            "keep_best copies them at every evaluation, and each GPU holds a part of them only.",
            "Set keep_best = false; the checkpoint with the lowest held-out loss is kept all the same.",
        )


def step_rows(recipe: Recipe) -> int:
    """Rows of an optimiser step, in all processes together."""
    return recipe.batch_size * recipe.gradient_accumulation


def without_choice(recipe: Recipe, cards: int) -> Recipe:
    """The recipe with `auto` settled where weights divided over GPUs leave no choice."""
    chosen: dict[str, Any] = {}
    if cards:
        if recipe.optimiser == "auto":
            chosen["optimiser"] = "adamw"
        if recipe.offload == "auto":
            chosen["offload"] = "none"
    return msgspec.structs.replace(recipe, **chosen)


def divided(recipe: Recipe, processes: int) -> Recipe:
    """The recipe with passes that every process does equally many of; the rows of a step stay.

    `gradient_accumulation` counts the passes of all processes. Passes get smaller only where their number
    cannot be divided. The step's rows must be divisible (`of_processes`).
    """
    if recipe.gradient_accumulation % processes == 0:
        return recipe
    each = step_rows(recipe) // processes
    rows = max(n for n in range(1, min(recipe.batch_size, each) + 1) if each % n == 0)
    return msgspec.structs.replace(recipe, batch_size=rows, gradient_accumulation=step_rows(recipe) // rows)


def plan_divided(base: ModelDirectory, recipe: Recipe, data: TrainingData, processes: int) -> TrainingPlan:
    """The plan of a run on `data` in `processes` processes. Of memory it says what one process needs alone:
    weights that are divided over GPUs take less.
    """
    if processes == 1:
        return plan_run(base, recipe, data)
    found = plan_run(base, without_choice(recipe, len(gpu_names())), data)
    settled = divided(found.recipe, processes)
    return msgspec.structs.replace(
        found, recipe=settled, decisions=[*found.decisions, in_words(settled, processes)]
    )


def in_words(recipe: Recipe, processes: int) -> str:
    """Who does what in a step, for people; `recipe` is `divided`."""
    passes = recipe.gradient_accumulation
    rows = f"{recipe.batch_size} row" + ("s" if recipe.batch_size > 1 else "")
    return (
        f"{processes} processes, each with {passes // processes} of the {passes} passes of a step, "
        f"{rows} in a pass: {step_rows(recipe)} rows a step, as with one process"
    )
