"""Instruction tuning: loss on the tokens that the mask names, in our order, by TRL's SFTTrainer."""

from __future__ import annotations

from datasets import Dataset
from transformers import Trainer
from trl import SFTConfig, SFTTrainer

from engine.training.batches import collator
from engine.training.data import TrainingData
from engine.training.objectives.setup import Setup
from engine.training.order import training_order
from store.records.recipe import Recipe


def build(setup: Setup) -> Trainer:
    """The trainer; it takes ids and labels as they are and renders nothing."""
    return SFTTrainer(
        model=setup.model,
        args=SFTConfig(
            **setup.settings,
            train_sampling_strategy="sequential",
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        data_collator=collator(setup.tokenizer.pad_token_id or 0, setup.packed),
        train_dataset=table(setup.data).select(order(setup.data, setup.recipe)),
        processing_class=setup.tokenizer,
        peft_config=setup.adapter,
        callbacks=list(setup.callbacks),
    )


def table(data: TrainingData) -> Dataset:
    """The rows as they came, as columns."""
    return Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in data.rows])


def order(data: TrainingData, recipe: Recipe) -> list[int]:
    """Which row comes when: all steps of the run, each with its rows."""
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    seed = recipe.seed if recipe.data_seed < 0 else recipe.data_seed
    return training_order(data.lengths, recipe.max_steps, step_rows, recipe.batch_size, seed)
