"""Settings for weights that are divided over GPUs: FSDP 2, through accelerate and the trainer's arguments.

Only the settings are tested, not what becomes of them: that needs several GPUs. Imports no torch.
"""

from __future__ import annotations

from typing import Any

from store.records.recipe import Recipe


def fsdp_settings(recipe: Recipe) -> dict[str, Any]:
    """Arguments of the trainer that shard every layer of the model.

    Activations are computed again by FSDP's own means, in all layers or in none: the trainer's would gather a
    layer's weights once more. Each process loads the whole base to its own GPU and lets go of all but its
    part, so the base has to fit there once: for qlora, in four bits.
    """
    return {
        "fsdp": True,
        "fsdp_config": {
            "version": 2,
            "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "reshard_after_forward": True,
            "cpu_ram_efficient_loading": False,
            "state_dict_type": "FULL_STATE_DICT",
            "activation_checkpointing": recipe.recompute_layers != 0,
        },
    }
