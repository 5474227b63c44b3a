"""Instruction tuning and continued pretraining: loss on the tokens that have labels, by TRL's SFTTrainer."""

from __future__ import annotations

import warnings

from datasets import Dataset
from transformers import Trainer
from trl import SFTConfig, SFTTrainer

from engine.training import loss_head
from engine.training.batches import collator
from engine.training.data import TrainingData
from engine.training.objectives.setup import Setup


def build(setup: Setup) -> Trainer:
    """The trainer; it takes ids and labels as they are and renders nothing."""
    head = setup.base.get_output_embeddings()
    tiled = loss_head.applies(setup.base, trained=head is not None and head.weight.requires_grad)
    smoothing = setup.recipe.label_smoothing
    with warnings.catch_warnings():
        # TRL says that smoothing by its own means costs a forward pass and may go one day: where our head
        # does not apply it is still the right loss.
        warnings.filterwarnings("ignore", "`label_smoothing_factor`", FutureWarning)
        trainer = SFTTrainer(
            model=setup.model,
            args=SFTConfig(
                **setup.settings,
                label_smoothing_factor=0.0 if tiled else smoothing,
                train_sampling_strategy="sequential",
                max_length=None,
                dataset_kwargs={"skip_prepare_dataset": True},
            ),
            data_collator=collator(setup.pad, setup.packed),
            train_dataset=table(setup.data).select(setup.order()),
            eval_dataset=table(setup.data.heldout) if setup.data.heldout else None,
            processing_class=setup.tokenizer,
            peft_config=setup.adapter,
            callbacks=list(setup.callbacks),
        )
    loss_head.install(setup.base, smoothing)
    return trainer


def table(data: TrainingData) -> Dataset:
    """The rows as they came, as columns."""
    return Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in data.rows])
