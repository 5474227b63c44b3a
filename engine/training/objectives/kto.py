"""Single answers that are desirable or not, by TRL's KTOTrainer.

Ethayarajh et al., "KTO: Model Alignment as Prospect Theoretic Optimization", 2024. How far the model has left
the reference is estimated in each forward pass, on every prompt with the answer of its neighbour (section
4.1): so a pass has at least two rows. Nothing here renders.
"""

from __future__ import annotations

from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from transformers import Trainer
from trl import KTOConfig, KTOTrainer

from engine.data.rendering import IGNORED
from engine.training import loss_head
from engine.training.data import TrainingData
from engine.training.objectives.pairs import padded
from engine.training.objectives.setup import Setup


class AnswerTrainer(KTOTrainer):
    """The stock trainer over rows that are tokenised."""

    def _prepare_dataset(self, dataset: Any, *rest: Any) -> Any:
        return dataset  # tokenised already: TRL would write the rows with a template of its own


def build(setup: Setup) -> Trainer:
    """The trainer. Its reference is the model without the adapter; a second model where all is trained."""
    recipe = setup.recipe
    trainer = AnswerTrainer(
        model=setup.model,
        args=KTOConfig(
            **setup.settings,
            train_sampling_strategy="sequential",
            max_length=None,
            beta=recipe.beta,
            desirable_weight=recipe.desirable_weight,
            undesirable_weight=recipe.undesirable_weight,
        ),
        data_collator=Answers(setup.pad),
        train_dataset=table(setup.data).select(setup.order()),
        eval_dataset=table(setup.data.heldout) if setup.data.heldout else None,
        processing_class=setup.tokenizer,
        peft_config=setup.adapter,
        callbacks=list(setup.callbacks),
    )
    if isinstance(trainer.model, PeftModel) and "ref" in trainer.model.peft_config:
        trainer.model.delete_adapter("ref")  # a copy of the adapter that is continued: it would be saved too
    loss_head.install(setup.base, means=True)
    return trainer


def table(data: TrainingData) -> Dataset:
    """Ids, labels, and whether the answer is desirable."""
    return Dataset.from_list(
        [
            {"input_ids": row.input_ids, "labels": row.labels, "label": desirable}
            for row, desirable in zip(data.rows, data.desirable, strict=True)
        ]
    )


class Answers:
    """Rows as TRL's batch of unpaired answers, with each prompt before its neighbour's answer as well."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch of rows [rows, longest], twice."""
        whole = [(row["input_ids"], row["labels"]) for row in rows]
        parts = [divided(*one) for one in whole]
        mixed = [
            (prompt + ids, [IGNORED] * len(prompt) + labels)
            for (prompt, _, _), (_, ids, labels) in zip(parts, parts[-1:] + parts[:-1], strict=True)
        ]
        return {
            **padded(whole, self._pad),
            **padded(mixed, self._pad, "KL_"),
            "label": torch.tensor([row["label"] for row in rows]),
        }


def divided(ids: list[int], labels: list[int]) -> tuple[list[int], list[int], list[int]]:
    """A row as its prompt, its answer's ids, and its answer's labels."""
    begin = next((at for at, label in enumerate(labels) if label != IGNORED), len(ids))
    return ids[:begin], ids[begin:], labels[begin:]
