"""What every objective builds its trainer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peft import PeftConfig, PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

from engine.training.data import TrainingData
from engine.training.order import START, Position, training_order
from store.records.recipe import Recipe


@dataclass(frozen=True)
class Setup:
    """`settings` are the arguments of any TRL config (engine.training.settings). `packed`: rows of a batch
    stand one after another without padding. `trained` is what an earlier part of the run has done.
    `model` carries an adapter already where an earlier one is continued, `adapter` is None then.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerFast
    recipe: Recipe
    data: TrainingData
    settings: dict[str, Any]
    adapter: PeftConfig | None
    packed: bool
    callbacks: Sequence[TrainerCallback]
    trained: Position = START

    @property
    def base(self) -> PreTrainedModel:
        """The model without its adapter around it."""
        base = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
        assert isinstance(base, PreTrainedModel)
        return base

    @property
    def pad(self) -> int:
        """What stands where a row has ended; masked wherever it stands."""
        token = self.tokenizer.pad_token_id
        return token if isinstance(token, int) else 0

    def order(self) -> list[int]:
        """Which row comes when: all steps of the run, each with its rows.

        The trainer passes over the steps that are `trained`: any row stands in for theirs.
        """
        recipe, data = self.recipe, self.data
        step_rows = recipe.batch_size * recipe.gradient_accumulation
        seed = recipe.seed if recipe.data_seed < 0 else recipe.data_seed
        left = max(recipe.max_steps - self.trained.steps, 0)
        coming = training_order(data.lengths, left, step_rows, recipe.batch_size, seed, self.trained.rows)
        return [0] * (self.trained.steps * step_rows) + coming
