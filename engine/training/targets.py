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
    return span(recipe.lora.layers) if recipe.lora.layers else range(shape.layers)


def trained_whole(shape: ModelShape, recipe: Recipe) -> int:
    """How many weights of the base itself are trained: all but the frozen ones, for method `full`."""
    if recipe.method != "full":
        return 0
    frozen = 0
    for part in filter(None, recipe.freeze.split(",")):
        if part in ("embeddings", "head"):
            frozen += shape.embeddings if part == "embeddings" else shape.head
        else:
            frozen += sum(shape.layer_parameters[layer] for layer in span(part) if layer < shape.layers)
    return shape.parameters - frozen


def trains_head(shape: ModelShape, recipe: Recipe) -> bool:
    """Whether the matrix that gives the logits is trained; it is the embeddings' where there is no other."""
    frozen = recipe.freeze.split(",")
    return recipe.method == "full" and "head" not in frozen and (shape.head > 0 or "embeddings" not in frozen)


def first_reached(shape: ModelShape, recipe: Recipe) -> int:
    """The first layer that the backward pass goes through: those before it keep no activations.

    It ends where nothing further down is trained; recomputing under an adapter leads it down to the
    embeddings, since the recomputed layers' inputs are told to need gradients.
    """
    if recipe.method == "full":
        frozen = [part for part in recipe.freeze.split(",") if part]
        if "embeddings" not in frozen:
            return 0
        still = {layer for part in frozen if "-" in part for layer in span(part)}
        return next((layer for layer in range(shape.layers) if layer not in still), shape.layers)
    if recipe.recompute_layers != 0:
        return 0
    return min((one.layer for one in adapted(shape, recipe)), default=0)


def span(text: str) -> range:
    """`8-15` as the layers from 8 to 15."""
    first, _, last = text.partition("-")
    return range(int(first), int(last) + 1)
