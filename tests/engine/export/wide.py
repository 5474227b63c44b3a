"""A random Llama whose rows are 256 long and whose columns matter unequally, as real ones' do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory


def wide_base(folder: Path, hidden: int = 256) -> Path:
    """Two layers, tied head, the embedded base's tokenizer; a few columns are twenty times as large."""
    torch.manual_seed(7)
    config = ModelDirectory(builtin_directory("tiny")).config
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config["vocab_size"],
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=config["eos_token_id"],
            pad_token_id=config["pad_token_id"],
            initializer_range=0.1,
        )
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "layernorm" in name:
                weight[::37] *= 20
    return save_with_tokenizer(model, folder)


def save_with_tokenizer(model: Any, folder: Path) -> Path:
    """A model directory with the embedded base's tokenizer."""
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin_directory("tiny") / name, folder / name)
    return folder
