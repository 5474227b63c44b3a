"""What the settings of all TRL trainers have in common: the recipe's fields, the device's defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from engine.training import levers
from engine.training.devices import DeviceDefaults
from store.records.recipe import Recipe

# Transformers renamed it; the older name warns where the newer one exists
RECOMPUTE = next(
    name
    for name in ("activation_checkpointing", "gradient_checkpointing")
    if name in TrainingArguments.__dataclass_fields__
)


def shared(
    recipe: Recipe, device: DeviceDefaults, checkpoints: Path, resumed: bool = False
) -> dict[str, Any]:
    """Arguments for any of TRL's configs; all that would call out is turned off.

    `recipe` leaves nothing to `auto` (levers.defaults). A run that is not `resumed` is measured on held-out
    rows before its first step too: what it gains is counted from there.
    """
    return {
        "output_dir": str(checkpoints),
        "max_steps": recipe.max_steps,
        "per_device_train_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": recipe.gradient_accumulation,
        **levers.optimiser_settings(recipe),
        **levers.schedule_settings(recipe),
        "seed": recipe.seed,
        "data_seed": recipe.data_seed,
        "bf16": recipe.precision == "bfloat16",
        "fp16": recipe.precision == "float16",
        "use_cpu": not device.cuda,
        "torch_compile": recipe.compile,
        RECOMPUTE: recipe.recompute_layers != 0,
        # noise that a row's own length decides; a batch that is one long row would get next to none
        "neftune_noise_alpha": recipe.neftune_alpha or None,
        "per_device_eval_batch_size": recipe.batch_size,
        "eval_strategy": "steps" if recipe.eval_every else "no",
        "eval_steps": recipe.eval_every or None,
        "eval_on_start": bool(recipe.eval_every) and not resumed,
        "prediction_loss_only": True,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if recipe.checkpoint_every else "no",
        "save_steps": recipe.checkpoint_every or recipe.max_steps,
        "save_total_limit": None,  # engine.training.checkpoints keeps the newest and the best
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device.cuda,
        "remove_unused_columns": False,
        "report_to": [],
        "push_to_hub": False,
        "disable_tqdm": True,
        **({"activation_offloading": True} if offloads(recipe, device) else {}),
    }


def offloads(recipe: Recipe, device: DeviceDefaults) -> bool:
    """Whether activations wait on the host: from a card alone, and not by ORPO's trainer, which cannot."""
    return recipe.offload == "activations" and device.cuda and recipe.objective != "orpo"
