"""Shapes of models that are too large for a test, and machines that are not here."""

from __future__ import annotations

from engine.training.shape import Matrix, ModelShape, Place
from store.records.plan import Demand, Machine
from store.records.recipe import Recipe

GIB = 1 << 30
SMALL_CARD = Machine("a card of 24 GB", True, 24 * GIB, 23 * GIB)
LARGE_CARD = Machine("a card of 80 GB", True, 80 * GIB, 79 * GIB)
PROCESSOR = Machine("cpu", False, 24 * GIB, 20 * GIB, False)


def llama(layers: int = 32, hidden: int = 4096, width: int = 14336, narrow: int = 1024) -> ModelShape:
    """Llama 3 8B's shape, or that of another size."""
    places: list[tuple[str, int, int, Place]] = [
        ("self_attn.q_proj", hidden, hidden, "attention_in"),
        ("self_attn.k_proj", hidden, narrow, "attention_in"),
        ("self_attn.v_proj", hidden, narrow, "attention_in"),
        ("self_attn.o_proj", hidden, hidden, "attention_out"),
        ("mlp.gate_proj", hidden, width, "mlp_in"),
        ("mlp.up_proj", hidden, width, "mlp_in"),
        ("mlp.down_proj", width, hidden, "mlp_out"),
    ]
    matrices = [
        Matrix(f"model.layers.{layer}.{name}", layer, inputs, outputs, place)
        for layer in range(layers)
        for name, inputs, outputs, place in places
    ]
    inside = sum(one.inputs * one.outputs for one in matrices)
    vocabulary = 128_256
    return ModelShape(
        parameters=inside + 2 * vocabulary * hidden + (2 * layers + 1) * hidden,
        layers=layers,
        hidden=hidden,
        vocabulary=vocabulary,
        heads=hidden // 128,
        intermediate=width,
        gated=True,
        softcap=False,
        scaled_head=False,
        embeddings=vocabulary * hidden,
        head=vocabulary * hidden,
        layer_parameters=[inside // layers + 2 * hidden] * layers,
        norms=[hidden, hidden],
        matrices=matrices,
        context_length=8192,
    )


def full_rows(recipe: Recipe) -> Demand:
    """Passes in which every row is as long as the recipe allows."""
    tokens = recipe.batch_size * recipe.max_length
    return Demand(tokens, tokens // 2, recipe.batch_size, recipe.max_length)
