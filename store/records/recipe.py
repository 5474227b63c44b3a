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
DpoLoss = Literal["sigmoid", "hinge", "ipo", "robust", "exo_pair", "apo_zero", "apo_down", "sigmoid_norm"]
PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]


class Lora(msgspec.Struct, forbid_unknown_fields=True):
    """The adapter's shape. Ignored by method `full`."""

    rank: PositiveInt = 16
    """Columns of the low-rank matrices; more rank, more capacity and memory."""
    alpha: Annotated[float, msgspec.Meta(gt=0)] = 32
    """The adapter's output is scaled by alpha / rank; with `rslora` by alpha / sqrt(rank)."""
    dropout: Fraction = 0.0
    """Dropout on the adapter's input, while training only; of sft and text alone, since a preference is
    measured against a reference without any."""
    target: str = "all-linear"
    """Which matrices carry an adapter: `all-linear`, `attention`, or module names separated by commas."""
    layers: Annotated[str, msgspec.Meta(pattern=r"^([0-9]+-[0-9]+)?$")] = ""
    """Which layers carry an adapter, from 0, both ends included: `8-15`. Empty: all."""
    rslora: bool = False
    """Scale by alpha / sqrt(rank): high ranks then learn as fast as low ones (Kalajdzievski, 2023)."""
    dora: bool = False
    """Learn the length of each row of a matrix apart from its direction (DoRA; Liu et al., 2024): nearer to
    `full` at low ranks, for a good part of the speed. Exported merged only."""


class Recipe(msgspec.Struct, forbid_unknown_fields=True):
    """One training run. `base` and `dataset` are names, or paths for the base."""

    base: str = ""
    """A model of the workspace, a Hugging Face directory, or `builtin:tiny`."""
    dataset: str = ""
    """A dataset, optionally `name@version` and `/split`; the newest version and the train split otherwise."""
    rows_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """The share of the dataset's rows that is trained on, drawn by `seed`: what a learning curve varies."""
    objective: Literal["sft", "text", "dpo", "kto", "orpo"] = "sft"
    """sft: instruction tuning, loss on what `mask` says. text: continued pretraining, long texts in pieces of
    `max_length`. dpo: of two endings rather the chosen one, measured against a reference. orpo: that and the
    chosen row itself, without a reference. kto: single answers that are desirable or not. The last three
    train whole endings, whatever `mask` says; `dpo` and `kto` want about a tenth of the usual rate."""
    method: Literal["qlora", "lora", "full"] = "qlora"
    """qlora: an adapter on a base in 4 bits (NF4). lora: on a base in 16 or 32 bits. full: the base's own
    weights; the result is a model, and wants about a tenth of the adapters' rate."""
    init_from: str = ""
    """What to go on from instead of the bare base: a training run or kept adapter of the same base. Empty:
    nothing."""
    init_mode: Literal["continue", "merge"] = "continue"
    """continue: train the earlier adapter further, in its own shape (`lora` is ignored). merge: put it into
    the base first and train a new adapter, or everything, on top of that."""
    freeze: Annotated[str, msgspec.Meta(pattern=r"^((embeddings|head|[0-9]+-[0-9]+)(,(?!$)|$))*$")] = ""
    """full: what is not trained, separated by commas: `embeddings`, `head`, layers from 0 (`0-11`)."""
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
    share_prompt: bool = True
    """dpo: the two endings of a pair behind their prompt, which is computed once for both, without padding,
    where `packing` is on and that is proven of the base. The same margins either way."""
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
    label_smoothing: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.0
    """sft, text: this share of each target is spread over the whole vocabulary. dpo: the share of pairs that
    are believed to be the wrong way round (`exo_pair` needs some, e.g. 0.001). Ignored by kto and orpo."""
    neftune_alpha: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    """Noise on embeddings while training (NEFTune; Jain et al., 2023): 5 to 15 helps small sets of chats, 0
    is none. Its strength depends on a row's length, so rows are padded."""
    beta: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.1
    """dpo, kto: how dearly leaving the reference is bought; lower learns more and forgets more. orpo: the
    weight of the preference beside the chosen row's own loss."""
    dpo_loss: DpoLoss = "sigmoid"
    """sigmoid: DPO's own. ipo: bounded, against overfitting on sure pairs. hinge: a margin. robust: expects
    `label_smoothing` of the pairs to be wrong. exo_pair: exact against the noisy pair. apo_zero: chosen up,
    rejected down. apo_down: both down, rejected more. sigmoid_norm: per token, against long answers."""
    reference: Literal["start", "base"] = "start"
    """dpo, kto: what is measured against. start: the model as the run begins. base: the base without the
    adapter of `init_from`; the same where there is none."""
    desirable_weight: Annotated[float, msgspec.Meta(ge=0, le=100)] = 1.0
    """kto: weight of the desirable rows; set so that both kinds weigh about the same in all."""
    undesirable_weight: Annotated[float, msgspec.Meta(ge=0, le=100)] = 1.0
    """kto: weight of the undesirable rows."""
    rehearse: Literal["auto", "always", "never"] = "auto"
    """One real step on the longest batch before the first that counts: memory, seconds a step and the time it
    will all take are measured instead of estimated. The result is the same. auto: on a card."""
    replay_dataset: str = ""
    """A general dataset of which rows are mixed in, against forgetting; of sft and text alone."""
    replay_share: Annotated[float, msgspec.Meta(ge=0, le=0.9)] = 0.1
    """The share of all rows that come from `replay_dataset`, where there is one; 0 is none."""
    eval_dataset: str = ""
    """What loss is measured on while training: a dataset or `name/split`. Empty: the `heldout` split of
    `dataset` where it has one."""
    eval_every: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Steps between measurements on held-out rows; 0 is never."""
    patience: Annotated[int, msgspec.Meta(ge=0)] = 0
    """End the run after so many measurements in a row without a lower held-out loss; 0 goes on to the end."""
    keep_best: bool = True
    """Where held-out loss is measured, the result is what had the lowest, not what came last."""
    general: str = "builtin"
    """What forgetting is measured on, before the run, at every evaluation and behind it: `builtin` (a few
    dozen short rows of several kinds that ship with Temper), a dataset or `name/split` of your own. Empty:
    not at all. Nothing of it is trained on."""
    forgetting: str = "builtin"
    """What the base and the trained model are asked in a run behind this one: `builtin` (the forgetting pack,
    352 short questions of six kinds, each checked by a program) or a suite of your own. Its verdict says what
    was lost beside the task, and what helps. Minutes for an 8B model on a card. Empty: nothing is asked."""
    measure_quantisation: bool = True
    """qlora: what 4 bits cost the base on held-out rows, measured against the base in 16 bits before anything
    is trained; once for a base and its rows, and only where memory holds the base in 16 bits."""
    lora: Lora = msgspec.field(default_factory=Lora)
