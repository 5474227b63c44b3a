"""How long and how many the sequences of a context are: what is asked decides, within a bound on memory.

Every sequence has a memory of its own, so short questions are computed many at once and long ones few.
"""

from __future__ import annotations

from typing import NamedTuple

import llama_cpp

from engine.inference.llama import CONTEXT_CAP, Model

CELLS = 2 * CONTEXT_CAP
"""Tokens of all sequences together, unless one alone needs more."""
MEMORY = 2 * 2**30
"""Bytes that these may take together, above those of one context of CONTEXT_CAP."""
SHORTEST = 1024
"""Tokens of a sequence where no more is needed."""


class Shape(NamedTuple):
    """So many `sequences` of `size` tokens."""

    size: int
    sequences: int


def shape_for(model: Model, needed: int, limit: int, parallel: int) -> Shape:
    """The shape for answers that need up to `needed` tokens, never more than `limit`, `parallel` at once."""
    size = SHORTEST
    while size < needed:
        size *= 2
    size = limit if turns_by_length(model) else min(size, limit)
    return Shape(size, max(1, min(parallel, cells(model) // size)))


def cells(model: Model) -> int:
    """Tokens that may be held at once."""
    handle = model.handle
    heads = llama_cpp.llama_model_n_head_kv(handle), llama_cpp.llama_model_n_head(handle)
    width = llama_cpp.llama_model_n_embd(handle) * heads[0] // max(1, heads[1])
    each = 2 * 2 * width * llama_cpp.llama_model_n_layer(handle)  # key and value, in float16
    return int(max(CONTEXT_CAP, min(CELLS, MEMORY // max(1, each))))


def turns_by_length(model: Model) -> bool:
    """Whether the length of the context changes what the model computes (LongRoPE, as in Phi 3)."""
    name = model.metadata.get("general.architecture", "")
    return f"{name}.rope.scaling.original_context_length" in model.metadata
