"""Random bases and adapters on them, made in a moment: what merging needs, without any training."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory

VOCABULARY = 300
LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def llama(folder: Path, dtype: str = "float32", tied: bool = False, shard_size: str = "5GB") -> Path:
    """A random Llama of two layers."""
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attention_bias=True,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=2,
    )
    return _saved(LlamaForCausalLM(config), folder, dtype, shard_size)


def gpt2(folder: Path, dtype: str = "float32") -> Path:
    """A random GPT-2, whose matrices are stored [in, out]."""
    torch.manual_seed(6)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2
    )
    return _saved(GPT2LMHeadModel(config), folder, dtype, "5GB")


def _saved(model: Any, folder: Path, dtype: str, shard_size: str) -> Path:
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard_size)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin_directory("tiny") / name, folder / name)
    return folder


def loaded(base: Path, rows: int | None = None) -> Any:
    """A base in Transformers in its own type, with `rows` embedding rows if they are to be others."""
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, ModelDirectory(base).dtype))
    if rows:
        torch.manual_seed(rows)
        model.resize_token_embeddings(rows, mean_resizing=False)
    return model


def adapter_on(base: Path, folder: Path, seed: int = 1, rows: int | None = None, **settings: Any) -> Path:
    """A PEFT adapter in float32 of random numbers; rank 4, alpha 8 and all matrices if not told otherwise."""
    chosen: dict[str, Any] = {
        "r": 4,
        "lora_alpha": 8,
        "target_modules": LAYERS,
        "task_type": "CAUSAL_LM",
    } | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT warns of tied embeddings, which are what is tested
        model: Any = get_peft_model(loaded(base, rows), LoraConfig(**chosen))
        torch.manual_seed(seed)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                with torch.no_grad():
                    strength = torch.empty_like(parameter).normal_(std=0.1)
                    parameter.copy_(
                        parameter * (1 + strength) if "magnitude" in name else parameter + strength
                    )
        model.save_pretrained(folder)
    return folder


def with_adapter(base: Path, adapter: Path, rows: int | None = None) -> Any:
    """The base with the adapter on top in PEFT, unmerged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PeftModel.from_pretrained(loaded(base, rows), adapter).eval()


def peft_merged(
    base: Path, adapter: Path, safe: bool = True, rows: int | None = None
) -> dict[str, torch.Tensor]:
    """Weights by name after PEFT's own merge; `safe` rounds the update before it adds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights: dict[str, torch.Tensor] = (
            with_adapter(base, adapter, rows).merge_and_unload(safe_merge=safe).state_dict()
        )
    return weights


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a model directory."""
    return {name: one for shard in ModelDirectory(folder).shards for name, one in load_file(shard).items()}


def logits_of(model: Any) -> torch.Tensor:
    """What a model says of a fixed text."""
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=torch.arange(3, 40)[None]).logits
    return logits
