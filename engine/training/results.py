"""What a run leaves behind: an adapter in fp32, or a model directory that can stand wherever a base can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from engine.export.merge import copy_small_files
from engine.models.directory import ModelDirectory


def save(model: Any, base: ModelDirectory, folder: Path) -> None:
    """Write what was trained to the new folder `folder`, in safetensors.

    A whole model is rounded to the type that its base is stored in, and gets the base's own config, tokenizer
    and chat template.
    """
    if isinstance(model, PeftModel):
        model.save_pretrained(str(folder), safe_serialization=True, selected_adapters=["default"])
        return
    model.to(getattr(torch, base.dtype))
    model.save_pretrained(folder, safe_serialization=True)
    copy_small_files(base, folder)
