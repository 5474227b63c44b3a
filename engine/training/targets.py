"""Which of a model's matrices a recipe adapts or trains, told by names alone, before torch is there."""

from __future__ import annotations

from engine.training.shape import Matrix, ModelShape
from store.records.recipe import Recipe

ATTENTION = ("attention_in", "attention_out")


def adapted(shape: ModelShape, recipe: Recipe) -> list[Matrix]:
    """The matrices that carry an adapter; none for method `full`."""
    if recipe.method == "full":
        return []
    target = recipe.lora.target
    if target == "all-linear":
        found = shape.matrices
    elif target == "attention":
        found = [one for one in shape.matrices if one.place in ATTENTION]
    else:
        named = tuple(part.strip() for part in target.split(",") if part.strip())
        found = [one for one in shape.matrices if one.name.endswith(named)]
    return [one for one in found if one.layer in layers_of(shape, recipe)]


def layers_of(shape: ModelShape, recipe: Recipe) -> range:
    """The layers that may carry an adapter."""
    return range(shape.layers)


def trained_whole(shape: ModelShape, recipe: Recipe) -> int:
    """How many weights of the base itself are trained."""
    return shape.parameters if recipe.method == "full" else 0
