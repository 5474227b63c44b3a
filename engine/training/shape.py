"""The shape of a model, read off its config and the headers of its weights files: layers, matrices, widths.

Knows nothing of memory or training. Names of tensors are those of Transformers' causal language models.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec

from engine.models.directory import ModelDirectory

Place = Literal["attention_in", "attention_out", "mlp_in", "mlp_out"]

_LAYER = re.compile(r"\.(\d+)\.")
_ATTENTION_OUT = {"o_proj", "out_proj", "dense", "c_proj", "wo"}
_MLP_OUT = {"down_proj", "fc2", "c_proj", "dense_4h_to_h", "w2", "wo", "fc_out"}

SCALES = ("logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")
ROUTED = "output_router_logits"


class Matrix(msgspec.Struct, frozen=True):
    """A linear layer inside a block. `name` is the module's path, `inputs` and `outputs` its widths."""

    name: str
    layer: int
    inputs: int
    outputs: int
    place: Place

    @property
    def kind(self) -> str:
        """The last part of the name, e.g. `q_proj`."""
        return self.name.rpartition(".")[2]


class ModelShape(msgspec.Struct):
    """`parameters` are all weights, each once; those not in `matrices` are embeddings, head, norms, experts.
    `embeddings`, `head` (0 where it is the embeddings) and `layer_parameters` count weights too.

    `norms` holds the widths per token of the norms of one layer; `intermediate` is the width of the MLP that
    a token goes through (of all chosen experts together); `heads` of attention; `softcap`: scores are capped,
    which needs them all in memory; `scaled_head`: logits are scaled, or experts are chosen.
    """

    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    heads: int
    intermediate: int
    gated: bool
    softcap: bool
    scaled_head: bool
    embeddings: int
    head: int
    layer_parameters: list[int]
    norms: list[int]
    matrices: list[Matrix]
    context_length: int

    @property
    def matrix_parameters(self) -> int:
        """Weights in the blocks' linear layers: what quantising reaches."""
        return sum(one.inputs * one.outputs for one in self.matrices)


def shape_of(base: ModelDirectory) -> ModelShape:
    """The shape of the model in a directory; nothing but small files and headers is read."""
    config = text_config(base.config)
    tensors = dict(base.shapes)
    if config.get("tie_word_embeddings", base.config.get("tie_word_embeddings", False)):
        tensors.pop("lm_head.weight", None)  # some directories hold the shared matrix twice
    hidden = int(first(config, "hidden_size", "n_embd", "d_model", default=0))
    matrices = [one for name, size in tensors.items() if (one := matrix_of(name, size)) is not None]
    layers = int(first(config, "num_hidden_layers", "n_layer", default=0)) or layer_count(tensors)
    heads = int(first(config, "num_attention_heads", "n_head", default=1))
    inward = [one for one in matrices if one.place == "mlp_in" and one.layer == 0]
    width, gated = mlp_width(config, inward, [one for one in matrices if one.place == "mlp_out"])
    return ModelShape(
        parameters=sum(math.prod(size) for size in tensors.values()),
        layers=layers,
        hidden=hidden or max((one.inputs for one in matrices), default=1),
        vocabulary=int(config.get("vocab_size") or 0),
        heads=heads,
        intermediate=width,
        gated=gated,
        softcap=bool(config.get("attn_logit_softcapping")),
        scaled_head=any(config.get(key) not in (None, 1.0) for key in SCALES) or ROUTED in config,
        embeddings=sum(math.prod(size) for name, size in tensors.items() if is_embedding(name)),
        head=math.prod(tensors.get("lm_head.weight", [0])),
        layer_parameters=by_layer(tensors, layers),
        norms=norm_widths(tensors, matrices),
        matrices=matrices,
        context_length=base.context_length,
    )


def text_config(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a config that speaks of the language model: of multimodal ones a table of its own."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def first(config: dict[str, Any], *names: str, default: int) -> Any:
    """The first of several names that a config knows: architectures call the same thing differently."""
    return next((config[name] for name in names if config.get(name)), default)


def matrix_of(name: str, size: list[int]) -> Matrix | None:
    """The linear layer that a tensor is the weight of; None for everything else."""
    found = _LAYER.search(name)
    module = name.removesuffix(".weight")
    if found is None or len(size) != 2 or module == name or "norm" in module or "embed" in module:
        return None
    kind = module.rpartition(".")[2]
    attention = "attn" in module or "attention" in module
    place: Place = "mlp_in"
    if attention:
        place = "attention_out" if kind in _ATTENTION_OUT else "attention_in"
    elif kind in _MLP_OUT:
        place = "mlp_out"
    return Matrix(module, int(found[1]), inputs=size[1], outputs=size[0], place=place)


def layer_count(tensors: dict[str, list[int]]) -> int:
    """How many layers tensors speak of."""
    return 1 + max((int(found[1]) for name in tensors if (found := _LAYER.search(name))), default=0)


def is_embedding(name: str) -> bool:
    """Whether a tensor holds the tokens' embeddings."""
    return _LAYER.search(name) is None and any(part in name for part in ("embed_tokens", "embed_in", ".wte."))


def by_layer(tensors: dict[str, list[int]], layers: int) -> list[int]:
    """Weights of each layer."""
    counts = [0] * layers
    for name, size in tensors.items():
        if (found := _LAYER.search(name)) and int(found[1]) < layers:
            counts[int(found[1])] += math.prod(size)
    return counts


def mlp_width(config: dict[str, Any], inward: list[Matrix], outward: list[Matrix]) -> tuple[int, bool]:
    """Width of the MLP that a token goes through, and whether one half of it gates the other."""
    experts = int(first(config, "num_experts_per_tok", "num_experts_per_token", default=1))
    width = int(first(config, "moe_intermediate_size", "intermediate_size", "n_inner", "ffn_dim", default=0))
    width = width or max((one.inputs for one in outward), default=4)
    gated = len(inward) > 1 or any(one.outputs == 2 * width for one in inward) or experts > 1
    return width * experts, gated


def norm_widths(tensors: dict[str, list[int]], matrices: list[Matrix]) -> list[int]:
    """How many numbers per token each norm of the first layer sees: one per head sees all heads."""
    inward = [one for one in matrices if one.layer == 0 and one.place == "attention_in"]
    widths = []
    for name, size in tensors.items():
        if ".0." not in name or ("norm" not in name.lower() and ".ln_" not in name):
            continue
        if len(size) != 1 or name.endswith(".bias"):
            continue
        letter = next((one for one in ("q", "k") if f".{one}_norm" in name), "")
        asked = next((one.outputs for one in inward if letter and one.kind == f"{letter}_proj"), 0)
        widths.append(asked or size[0])
    return widths
