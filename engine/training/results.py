"""What a run leaves behind: an adapter in fp32, or a model directory that can stand wherever a base can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from engine.export.merge import copy_small_files
from engine.models.directory import ModelDirectory


def save(
    model: Any, base: ModelDirectory, folder: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Write what was trained to the new folder `folder`, in safetensors.

    A whole model is rounded to the type that its base is stored in, and gets the base's own config, tokenizer
    and chat template. `weights` are those of a model that is divided over GPUs, gathered.
    """
    if isinstance(model, PeftModel):
        model.save_pretrained(
            str(folder), safe_serialization=True, selected_adapters=["default"], state_dict=weights
        )
        return
    dtype = getattr(torch, base.dtype)
    if weights is None:
        model.to(dtype)
    else:
        weights = {name: weight.to(dtype) for name, weight in weights.items()}
    model.save_pretrained(folder, safe_serialization=True, state_dict=weights)
    copy_small_files(base, folder)
