"""What every objective builds its trainer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peft import PeftConfig
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

from engine.training.data import TrainingData
from store.records.recipe import Recipe


@dataclass(frozen=True)
class Setup:
    """`settings` are the arguments of any TRL config (engine.training.settings). `packed`: rows of a batch
    stand one after another without padding.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    recipe: Recipe
    data: TrainingData
    settings: dict[str, Any]
    adapter: PeftConfig | None
    packed: bool
    callbacks: Sequence[TrainerCallback]
