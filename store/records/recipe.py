"""A training recipe: every setting of a training run, with its meaning in place. This file is the manual.

The TOML file, `--set key=value` and any form on a screen are read into these structs and nowhere
else. Ranges stand in the types, so that every problem of a recipe can be listed at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from store.records.preview import Mask

Schedule = Literal["linear", "cosine", "cosine_restarts", "wsd", "inverse_sqrt", "polynomial", "constant"]
Optimiser = Literal[
    "auto",
    "adamw",
    "adamw_8bit",
    "paged_adamw",
    "paged_adamw_8bit",
    "lion",
    "lion_8bit",
    "paged_lion_8bit",
    "adafactor",
    "sgd",
]
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
    """Optimiser steps, whatever the number of rows. `epochs` above 0 takes its place."""
    epochs: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    """Passes over all rows instead of `max_steps`, a part of one too; the run turns it into steps."""
    batch_size: PositiveInt = 8
    """Rows per forward pass on the device."""
    gradient_accumulation: PositiveInt = 1
    """Forward passes per optimiser step; batch_size times this is the effective batch."""
    packing: bool = True
    """Rows of a batch one after another without padding, each seeing itself alone, where that is proven of
    the base; padded otherwise. The same rows make the same step either way."""
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1)] = 2e-4
    """The peak, reached after the warm-up."""
    schedule: Schedule = "cosine"
    """How the learning rate falls from its peak. linear: straight to nothing. cosine: as half a cosine.
    cosine_restarts: that, `cycles` times from the peak. wsd: kept until the last `decay_ratio` of the steps,
    then as a cosine. inverse_sqrt: with the root of the step. polynomial: straight to nearly nothing.
    constant: not at all."""
    final_rate: Fraction = 0.0
    """The rate at the end as a share of the peak; of `cosine` and `wsd` alone."""
    cycles: PositiveInt = 1
    """How often `cosine_restarts` falls."""
    decay_ratio: Fraction = 0.1
    """The share of all steps, at their end, over which `wsd` falls."""
    warmup_steps: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Steps over which the learning rate rises from zero."""
    warmup_ratio: Fraction = 0.0
    """The same as a share of all steps; one of the two."""
    optimiser: Optimiser = "auto"
    """auto: AdamW with its state in 8 bits and paged to the host when memory is short on a card, with all of
    it in 32 bits on the CPU. `_8bit`: two bytes of state a weight instead of eight (bitsandbytes). `paged_`:
    that state may move to the host. lion: one moment instead of two, at a third of AdamW's rate. adafactor:
    rows and columns of the moments only. sgd: no state."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the optimiser's first and second moment; AdamW's and Lion's."""
    weight_decay: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """AdamW's decoupled decay, on the weights that are trained."""
    max_grad_norm: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """A step's gradient is scaled down to this norm; 0 leaves it as it is."""
    max_length: Annotated[int, msgspec.Meta(ge=8)] = 1024
    """Tokens of a row, prompt and answer together; longer rows are cut at the end and reported."""
    checkpoint_every: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Steps between checkpoints; 0 saves only at the end and on stop."""
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 0
    """Fixes row order, adapter initialisation and dropout."""
    data_seed: Annotated[int, msgspec.Meta(ge=-1, lt=1 << 32)] = -1
    """Fixes the row order alone, where it is to differ from `seed`; -1 takes that."""
    precision: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """The number type of computation and of weights that are not trained. auto: bfloat16 on a card that has
    it, float16 on an older one, float32 on the CPU. What is trained is float32 throughout."""
    micro_batch: Literal["auto", "as_written"] = "auto"
    """auto: on a card, rows per forward pass and accumulation are divided anew so that memory holds them and
    is used, their product unchanged. as_written: as `batch_size` says. On the CPU always as written."""
    recompute_layers: Annotated[int, msgspec.Meta(ge=0)] | Literal["auto", "all"] = "auto"
    """Layers whose activations are computed again in the backward pass instead of being kept: less memory,
    up to a third more time. auto: as few as fit on the card, none on the CPU."""
    double_quantisation: bool | Literal["auto"] = "auto"
    """qlora: the scales of the 4-bit weights in 8 bits too, .37 bit less a weight for some time. auto: only
    where memory is short on a card; on the CPU always."""
    offload: Literal["auto", "none", "activations"] = "auto"
    """activations: kept on the host between forward and backward pass, for long rows on a small card. auto:
    only where nothing else fits; never on the CPU."""
    compile: bool = False
    """Compile the model with torch.compile: about a sixth less time a step after 5 to 15 minutes, so for long
    runs alone."""
    lora: Lora = msgspec.field(default_factory=Lora)
