"""Random models of every architecture that the one pass knows, and the files that three steps make."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.export.convert import native_type, to_gguf
from engine.export.merge import merge
from engine.export.quantise import quantise
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory

FAMILIES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3_text",
    "Phi3ForCausalLM": "phi3",
    "SmolLM3ForCausalLM": "smollm3",
}
NAME = "a 1B model"  # a size that the converter could take for the model's
METADATA = {"temper.origin": "0123"}


def family(folder: Path, kind: str, dtype: str = "bfloat16", **settings: object) -> Path:
    """A random model of an architecture, all its vectors random too; widths that K-quants divide and not."""
    tiny = builtin_directory("tiny")
    sizes = {
        "vocab_size": ModelDirectory(tiny).config["vocab_size"],
        "hidden_size": 256,
        "intermediate_size": 320,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "max_position_embeddings": 256,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes | settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (tiny / name).is_file():
            shutil.copyfile(tiny / name, folder / name)
    return folder


def three_steps(base: Path, adapter: Path | None, kinds: list[str], folder: Path) -> dict[str, Path]:
    """The reference: merged model, float GGUF, quantised files."""
    source = merge(ModelDirectory(base), adapter, folder / "merged") if adapter else base
    native = native_type(ModelDirectory(base))
    floats = to_gguf(source, folder / "float.gguf", native, NAME, metadata=METADATA)
    made = {kind: folder / f"three-{kind}.gguf" for kind in kinds}
    return {kind: floats if kind == native else quantise(floats, file, kind) for kind, file in made.items()}
