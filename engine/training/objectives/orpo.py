"""Preferences without a reference, by the ORPOTrainer of trl.experimental: all that is known of it is here.

Hong et al., "ORPO: Monolithic Preference Optimization without Reference Model", 2024. Its loss is that of the
chosen row, prompt and answer, less beta times the log-sigmoid of how much likelier the chosen ending is than
the rejected one, per token. It computes all logits. Nothing here renders.
"""

from __future__ import annotations

from typing import Any

from datasets import Dataset
from peft import get_peft_model
from transformers import Trainer, set_seed
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from engine.training.data import TrainingData
from engine.training.objectives.setup import Setup


class OddsTrainer(ORPOTrainer):
    """The stock trainer over pairs that are tokenised."""

    def tokenize_row(self, feature: Any, model: Any = None) -> Any:
        """The row as it is: TRL would tokenise prompt and endings apart."""
        return feature


def build(setup: Setup) -> Trainer:
    """The trainer."""
    model = setup.model
    if setup.adapter is not None:
        # On a 4-bit base this trainer would hold all that is not quantised in fp32, where the others do not.
        set_seed(setup.recipe.seed)
        model = get_peft_model(setup.base, setup.adapter)
    longest = max(setup.data.lengths)
    return OddsTrainer(
        model=model,
        args=ORPOConfig(
            **setup.settings,
            train_sampling_strategy="sequential",
            max_length=longest,
            beta=setup.recipe.beta,
        ),
        train_dataset=table(setup.data).select(setup.order()),
        eval_dataset=table(setup.data.heldout) if setup.data.heldout else None,
        processing_class=setup.tokenizer,
        callbacks=list(setup.callbacks),
    )


def table(data: TrainingData) -> Dataset:
    """One line for each pair, in the columns of TRL's collator."""
    return Dataset.from_list(
        [
            {
                **columns("chosen", chosen.input_ids, chosen.labels),
                **columns("rejected", rejected.input_ids, rejected.labels),
            }
            for chosen, rejected in zip(data.rows, data.rejected, strict=True)
        ]
    )


def columns(side: str, ids: list[int], labels: list[int]) -> dict[str, list[int]]:
    """One ending's columns."""
    return {
        f"{side}_input_ids": ids,
        f"{side}_attention_mask": [1] * len(ids),
        f"{side}_labels": labels,
    }
