"""Preferences by TRL's DPOTrainer: rather the chosen ending than the rejected one, measured on a reference.

Rafailov et al., "Direct Preference Optimization", 2023. The reference's answers to a pair never change, so
they are taken once for each pair before the first step, from the adapter's base or, where an earlier adapter
is continued or the base itself is trained, from the model as it begins. The prompt of a pair goes through the
model once (shared_prompt.py). Nothing here renders.
"""

from __future__ import annotations

from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from transformers import Trainer
from trl import DPOConfig, DPOTrainer

from engine.training import loss_head
from engine.training.objectives import shared_prompt
from engine.training.objectives.pairs import padded, table
from engine.training.objectives.setup import Setup

CHOSEN, REJECTED = "ref_chosen_logps", "ref_rejected_logps"


class PairTrainer(DPOTrainer):
    """The stock trainer over pairs that are tokenised, with the reference taken once for each pair.

    `pairs` holds every pair once, `order` which comes when.
    """

    pairs: Dataset
    order: list[int]
    of_base: bool

    def _prepare_dataset(self, dataset: Any, *rest: Any) -> Any:
        return dataset  # tokenised already: TRL would write the rows with a template of its own

    def _precompute_ref_logps(self, dataset: Any, *rest: Any) -> Any:
        return dataset  # taken in `train`, once for each pair instead of once for each position

    def train(self, *arguments: Any, **rest: Any) -> Any:
        """Take the reference, then train."""
        if CHOSEN not in self.pairs.column_names:
            model: Any = self.model
            if self.of_base and isinstance(model, PeftModel) and "ref" in model.peft_config:
                model.delete_adapter("ref")
            self.pairs = self._with_reference(self.pairs, sorted(set(self.order)))
            self.train_dataset = self.pairs.select(self.order)
            if isinstance(self.eval_dataset, Dataset):
                self.eval_dataset = self._with_reference(self.eval_dataset, range(len(self.eval_dataset)))
            if isinstance(model, PeftModel) and "ref" in model.peft_config:
                model.delete_adapter("ref")  # it would be saved beside the one that is trained
            self.precompute_ref_logps = True
        return super().train(*arguments, **rest)

    def _with_reference(self, dataset: Dataset, wanted: Any) -> Dataset:
        """The pairs with the reference's log-probabilities of both endings; 0 for those not `wanted`."""
        lengths = {
            at: len(dataset[at]["chosen_input_ids"]) + len(dataset[at]["rejected_input_ids"]) for at in wanted
        }
        found = torch.zeros(2, len(dataset))
        order = sorted(lengths, key=lambda at: (-lengths[at], at))
        model: Any = self.model
        take: Any = self.compute_ref_log_probs  # TRL leaves it untyped
        training = model.training
        model.eval()
        size = int(self.args.per_device_train_batch_size)
        for begin in range(0, len(order), size):
            part = order[begin : begin + size]
            inputs = self._prepare_inputs(self.data_collator([dataset[at] for at in part]))
            chosen, rejected = take(model, inputs)
            found[0, part], found[1, part] = chosen.float().cpu(), rejected.float().cpu()
        model.train(training)
        columns: Any = found.tolist()
        with_chosen: Any = dataset.add_column(CHOSEN, columns[0])
        both: Dataset = with_chosen.add_column(REJECTED, columns[1])
        return both


def build(setup: Setup) -> Trainer:
    """The trainer, with its reference still to be taken."""
    recipe = setup.recipe
    pairs, order = table(setup.data), setup.order()
    trainer = PairTrainer(
        model=setup.model,
        args=DPOConfig(
            **setup.settings,
            train_sampling_strategy="sequential",
            max_length=None,
            beta=recipe.beta,
            loss_type=[recipe.dpo_loss],
            label_smoothing=recipe.label_smoothing,
            # without an adapter TRL would load a second model to be the reference
            precompute_ref_log_probs=recipe.method == "full",
        ),
        data_collator=Pairs(setup.pad),
        train_dataset=pairs.select(order),
        eval_dataset=table(setup.data.heldout) if setup.data.heldout else None,
        processing_class=setup.tokenizer,
        peft_config=setup.adapter,
        callbacks=list(setup.callbacks),
    )
    trainer.pairs, trainer.order, trainer.of_base = pairs, order, recipe.reference == "base"
    if recipe.packing and recipe.share_prompt and not recipe.compile:  # every pair has a shape of its own
        shared_prompt.install(setup.base, setup.data.rows, setup.data.rejected)
    loss_head.install(setup.base, means=True)
    return trainer


class Pairs:
    """Pairs as TRL's preference batch: all chosen rows, then all rejected ones."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, pairs: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch of rows [2 * pairs, longest]."""
        rows = [
            (pair[f"{side}_input_ids"], pair[f"{side}_labels"])
            for side in ("chosen", "rejected")
            for pair in pairs
        ]
        batch = padded(rows, self._pad)
        for name in (CHOSEN, REJECTED):
            if name in pairs[0]:
                batch[name] = torch.tensor([pair[name] for pair in pairs])
        return batch
