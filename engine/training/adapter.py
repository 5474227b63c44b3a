"""The adapter: which layers carry it and in what shape. Knows nothing of how it is trained."""

from __future__ import annotations

from peft import LoraConfig

from store.records.recipe import Recipe


def lora_config(recipe: Recipe) -> LoraConfig:
    """PEFT's settings for the recipe's adapter."""
    lora = recipe.lora
    named = [part.strip() for part in lora.target.split(",") if part.strip()]
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # called int there; any number scales
        lora_dropout=lora.dropout,
        target_modules="all-linear" if lora.target == "all-linear" else named,
        task_type="CAUSAL_LM",
    )
