"""What of the model is trained: an adapter on chosen matrices, an earlier one's, or the base's own weights.

Knows nothing of how it is trained. PEFT makes and loads the adapters.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel

from engine.training.targets import span
from store.records.recipe import Lora, Recipe

_LAYER = re.compile(r"\.(\d+)\.")


def prepared(
    model: PreTrainedModel, recipe: Recipe, start: Path | None, dtype: torch.dtype
) -> tuple[PreTrainedModel | PeftModel, LoraConfig | None]:
    """The model as its method trains it, and the adapter that it has yet to be given.

    `start` is the folder of an earlier adapter, which is trained further in its own shape; `dtype` is that of
    weights that stay as they are.
    """
    if recipe.method == "full":
        freeze(model, recipe, dtype)
        return model, None
    if start is not None:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True, local_files_only=True), None
    return model, lora_config(model, recipe)


def lora_config(model: PreTrainedModel, recipe: Recipe) -> LoraConfig:
    """PEFT's settings for a new adapter on `model`."""
    lora = recipe.lora
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # called int there; any number scales
        lora_dropout=lora.dropout,
        target_modules=targets(model, lora),
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        task_type="CAUSAL_LM",
    )


def targets(model: PreTrainedModel, lora: Lora) -> str | list[str]:
    """What PEFT is told to adapt: its own word, names as written, or every module by its whole name."""
    named = [part.strip() for part in lora.target.split(",") if part.strip()]
    if not lora.layers and lora.target != "attention":
        return "all-linear" if lora.target == "all-linear" else named
    layers = span(lora.layers) if lora.layers else None
    found = []
    for name, module in model.named_modules():
        inside = _LAYER.search(name)
        if inside is None or not isinstance(module, torch.nn.Linear):
            continue
        if layers is not None and int(inside[1]) not in layers:
            continue
        if lora.target == "all-linear" or (
            in_attention(name) if lora.target == "attention" else name.rpartition(".")[2] in named
        ):
            found.append(name)
    return found


def in_attention(name: str) -> bool:
    """Whether a module is part of an attention, by the name of one that it stands in."""
    return any("attn" in part or "attention" in part for part in name.split(".")[:-1])


def freeze(model: PreTrainedModel, recipe: Recipe, dtype: torch.dtype) -> None:
    """Exempt what the recipe names from full fine-tuning, and hold it in `dtype`, as nothing changes it."""
    model.requires_grad_(True)
    for part in filter(None, recipe.freeze.split(",")):
        for parameter in _named(model, part):
            parameter.requires_grad = False
            parameter.data = parameter.data.to(dtype)


def _named(model: PreTrainedModel, part: str) -> list[Any]:
    if part in ("embeddings", "head"):
        module = model.get_input_embeddings() if part == "embeddings" else model.get_output_embeddings()
        return list(module.parameters()) if module is not None else []
    layers = span(part)
    return [
        parameter
        for name, parameter in model.named_parameters()
        if (inside := _LAYER.search(name)) and int(inside[1]) in layers
    ]
