"""PEFT's settings of an adapter, and which kinds of adapter can be merged. Imports nothing heavy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from store.errors import UsageError

SETTINGS = "adapter_config.json"
_NOT_MERGED = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
)
"""Settings of PEFT under which an adapter is more than a product of two matrices."""
_MOVES_BASE = ("corda", "loftq", "lora_ga", "olora", "pissa")
"""Ways to begin that take the adapter's beginning off the base: what was trained stands on another base."""


def read_settings(folder: Path) -> dict[str, Any]:
    """PEFT's adapter_config.json. Raises UsageError for kinds of adapter that are not merged."""
    try:
        config: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            "The adapter's settings cannot be read", f"{folder / SETTINGS}: {error}.", "Train it again."
        ) from error
    unsupported = [key for key in _NOT_MERGED if config.get(key)]
    beginning = str(config.get("init_lora_weights")).lower()
    if beginning.startswith(_MOVES_BASE):
        unsupported.append(f"init_lora_weights = {beginning}, which changes the base")
    if config.get("peft_type") != "LORA" or unsupported:
        what = ", ".join(unsupported) or str(config.get("peft_type"))
        raise UsageError(
            "This adapter cannot be merged", f"It uses {what}.", "Train it as plain LoRA or QLoRA."
        )
    return config
