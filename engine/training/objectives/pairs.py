"""Rows with two endings as columns and as padded batches, labels kept as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence

from engine.data.rendering import IGNORED
from engine.training.data import TrainingData


def table(data: TrainingData) -> Dataset:
    """One line for each pair: ids and labels of the chosen row, and of the rejected one."""
    return Dataset.from_list(
        [
            {
                "chosen_input_ids": chosen.input_ids,
                "chosen_labels": chosen.labels,
                "rejected_input_ids": rejected.input_ids,
                "rejected_labels": rejected.labels,
            }
            for chosen, rejected in zip(data.rows, data.rejected, strict=True)
        ]
    )


def padded(rows: Sequence[tuple[list[int], list[int]]], pad: int, prefix: str = "") -> dict[str, Any]:
    """(ids, labels) of rows as input_ids, attention_mask and completion_mask [rows, longest], each int64.

    The completion is what has labels: a tool's answer in the middle of an ending is context.
    """
    ids = [torch.tensor(one, dtype=torch.int64) for one, _ in rows]
    labels = [torch.tensor(one, dtype=torch.int64) for _, one in rows]
    completion = pad_sequence(labels, batch_first=True, padding_value=IGNORED) != IGNORED
    attention = pad_sequence([torch.ones_like(one) for one in ids], batch_first=True)
    return {
        f"{prefix}input_ids": pad_sequence(ids, batch_first=True, padding_value=pad),
        f"{prefix}attention_mask": attention,
        f"{prefix}completion_mask": completion.long(),
    }
