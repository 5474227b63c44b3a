"""Random models of other shapes than the embedded one, as GGUF, with its tokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from engine.export.convert import to_gguf
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory

SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "tie_word_embeddings": True,
}
"""Large weights, so that answers are decided, not nearly tied."""


def random_gguf(kind: str, folder: Path, **settings: Any) -> Path:
    """A model of Transformers' `kind` with `settings`, the weights as they are."""
    tiny = builtin_directory("tiny")
    config = ModelDirectory(tiny).config
    names = ("vocab_size", "eos_token_id", "pad_token_id")
    torch.manual_seed(0)
    made = CONFIG_MAPPING[kind](**SHAPE | {name: config[name] for name in names} | settings)
    AutoModelForCausalLM.from_config(made).save_pretrained(folder / kind)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny / name, folder / kind / name)
    return to_gguf(folder / kind, folder / f"{kind}.gguf", "f32")
