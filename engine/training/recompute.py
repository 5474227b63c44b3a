"""Activations computed again in the first k layers only: the rest keep theirs and do nothing twice.

The first ones, since their activations would otherwise be kept longest: when the backward pass reaches them,
those of the layers behind are gone already.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.modeling_layers import GradientCheckpointingLayer


class RecomputeFirst(TrainerCallback):
    """Turns recomputing off behind the first `layers` layers, once the trainer has turned it on for all.

    A word instead of a number leaves it on everywhere.
    """

    def __init__(self, layers: int | str) -> None:
        self._layers = layers

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **rest: Any,
    ) -> None:
        """Every layer carries its own switch in Transformers."""
        if isinstance(self._layers, str):
            return
        inside = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
        for module in inside[self._layers :]:
            module.gradient_checkpointing = False
