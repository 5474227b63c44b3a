"""A training recipe: every setting of a training run, with its meaning in place. This file is the manual.

The TOML file, `--set key=value` and any form on a screen are read into these structs and nowhere
else. Ranges stand in the types, so that every problem of a recipe can be listed at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from store.records.preview import Mask

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]


class Lora(msgspec.Struct, forbid_unknown_fields=True):
    """The adapter's shape. Ignored by method `full`."""

    rank: PositiveInt = 16
    """Columns of the low-rank matrices; more rank, more capacity and memory."""
    alpha: Annotated[float, msgspec.Meta(gt=0)] = 32
    """The adapter's output is scaled by alpha / rank."""
    dropout: Fraction = 0.0
    """Dropout on the adapter's input, while training only."""
    target: str = "all-linear"
    """Which layers carry an adapter: `all-linear`, or module names separated by commas."""


class Recipe(msgspec.Struct, forbid_unknown_fields=True):
    """One training run. `base` and `dataset` are names, or paths for the base."""

    base: str = ""
    """A model of the workspace, a Hugging Face directory, or `builtin:tiny`."""
    dataset: str = ""
    """A dataset, optionally `name@version` and `/split`; the newest version and the train split otherwise."""
    objective: Literal["sft"] = "sft"
    """sft: instruction tuning, loss on what `mask` says."""
    method: Literal["qlora", "lora"] = "qlora"
    """qlora: train on a base in 4 bits (NF4, double quantisation). lora: on a base in 16 or 32 bits."""
    prompt: str = ""
    """A prompt file of the workspace that becomes the system message of every row without one."""
    template: str = ""
    """Plain text with `{prompt}` and `{completion}`, for bases without a chat template of their own."""
    mask: Mask = "assistant"
    """What carries loss. assistant: every answer. last: the last one only. completion: all answers behind the
    prompt. whole: every token. Where a mask cannot be proven for a row, the run says so and why."""
    max_steps: PositiveInt = 200
    """Optimiser steps, whatever the number of rows."""
    batch_size: PositiveInt = 8
    """Rows per forward pass on the device."""
    gradient_accumulation: PositiveInt = 1
    """Forward passes per optimiser step; batch_size times this is the effective batch."""
    packing: bool = True
    """Rows of a batch one after another without padding, each seeing itself alone, where that is proven of
    the base; padded otherwise. The same rows make the same step either way."""
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1)] = 2e-4
    """The peak, reached after the warm-up."""
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    """How the learning rate falls from its peak to the end (`constant`: not at all)."""
    warmup_steps: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Steps over which the learning rate rises from zero."""
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """AdamW's decoupled decay, on adapter weights."""
    max_length: Annotated[int, msgspec.Meta(ge=8)] = 1024
    """Tokens of a row, prompt and answer together; longer rows are cut at the end and reported."""
    checkpoint_every: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Steps between checkpoints; 0 saves only at the end and on stop."""
    seed: int = 0
    """Fixes row order, adapter initialisation and dropout."""
    lora: Lora = msgspec.field(default_factory=Lora)
