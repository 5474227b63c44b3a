"""Random models of two layers, of every architecture whose attention has something of its own."""

from __future__ import annotations

from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from engine.training import packed_attention

WINDOW = 8
SHAPE: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# what differs between architectures in attention: grouped keys, windows, capped scores, normed queries
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"sliding_window": WINDOW},
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "gemma2": {"head_dim": 16, "sliding_window": WINDOW},
    "gemma3_text": {"head_dim": 16, "sliding_window": WINDOW},
    "phi3": {},
    "smollm3": {},
}


def model_of(kind: str, **more: Any) -> PreTrainedModel:
    """The model of an architecture, always with the same weights, attending to packed rows by our means."""
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](**SHAPE | ARCHITECTURES.get(kind, {}) | more)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(
        config, attn_implementation=packed_attention.register()
    )
    model.eval()
    return model
