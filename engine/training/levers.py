"""What `auto` means for a device whose memory is not known, and the recipe's words in the trainer's.

The planner (plan.py) knows the memory and chooses better; a recipe that it resolved passes here unchanged.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from store.records.recipe import Optimiser, Recipe

OPTIMISERS: dict[Optimiser, str] = {
    "adamw": "adamw_torch",
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw": "paged_adamw_32bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "lion": "lion_32bit",
    "lion_8bit": "lion_8bit",
    "paged_lion_8bit": "paged_lion_8bit",
    "adafactor": "adafactor",
    "sgd": "sgd",
}
"""The recipe's word for an optimiser and Transformers' own."""


def defaults(recipe: Recipe, cuda: bool, bfloat16: bool = True) -> Recipe:
    """The recipe with every `auto` replaced by what is safe on that kind of device."""
    half = "bfloat16" if bfloat16 else "float16"
    chosen: dict[str, Any] = {}
    if recipe.optimiser == "auto":
        chosen["optimiser"] = "paged_adamw_8bit" if cuda else "adamw"
    if recipe.precision == "auto":
        chosen["precision"] = half if cuda else "float32"
    if recipe.recompute_layers == "auto":
        chosen["recompute_layers"] = "all" if cuda else 0
    if recipe.double_quantisation == "auto":
        chosen["double_quantisation"] = True
    if recipe.offload == "auto":
        chosen["offload"] = "none"
    if recipe.data_seed < 0:
        chosen["data_seed"] = recipe.seed
    return msgspec.structs.replace(recipe, **chosen)


def with_steps(recipe: Recipe, rows: int) -> Recipe:
    """The recipe with `epochs` of `rows` rows as `max_steps`, `warmup_ratio` as `warmup_steps`."""
    steps = recipe.max_steps
    if recipe.epochs:
        steps = max(1, math.ceil(recipe.epochs * rows / (recipe.batch_size * recipe.gradient_accumulation)))
    warmup = math.ceil(recipe.warmup_ratio * steps) if recipe.warmup_ratio else recipe.warmup_steps
    return msgspec.structs.replace(recipe, max_steps=steps, warmup_steps=warmup, epochs=0.0, warmup_ratio=0.0)


def optimiser_settings(recipe: Recipe) -> dict[str, Any]:
    """Transformers' arguments for the optimiser. `recipe` leaves nothing to `auto`."""
    first, second = recipe.betas
    return {
        "optim": OPTIMISERS[recipe.optimiser],
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": first,
        "adam_beta2": second,
        "max_grad_norm": recipe.max_grad_norm,
    }


def schedule_settings(recipe: Recipe) -> dict[str, Any]:
    """Transformers' arguments for the schedule of the learning rate."""
    falling = recipe.max_steps - recipe.warmup_steps
    names: dict[str, tuple[str, dict[str, Any]]] = {
        "linear": ("linear", {}),
        "cosine": ("cosine", {}),
        "cosine_restarts": ("cosine_with_restarts", {"num_cycles": recipe.cycles}),
        "wsd": (
            "warmup_stable_decay",
            {
                "num_decay_steps": min(falling, math.ceil(recipe.decay_ratio * recipe.max_steps)),
                "min_lr_ratio": recipe.final_rate,
            },
        ),
        "inverse_sqrt": ("inverse_sqrt", {"timescale": max(1, recipe.warmup_steps)}),
        "polynomial": ("polynomial", {}),
        "constant": ("constant_with_warmup", {}),
    }
    kind, arguments = names[recipe.schedule]
    if recipe.schedule == "cosine" and recipe.final_rate:
        kind, arguments = "cosine_with_min_lr", {"min_lr_rate": recipe.final_rate}
    found: dict[str, Any] = {"lr_scheduler_type": kind, "warmup_steps": recipe.warmup_steps}
    return found | ({"lr_scheduler_kwargs": arguments} if arguments else {})
