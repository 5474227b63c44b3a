"""The first forward pass of a run, read back from the tensors that the trainer's own collator makes of it.

What is shown is what the model gets, not what it should get: ids, padding, packing, what carries loss. Reads
the trainer and changes nothing of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from transformers import Trainer

from engine.data.rendering import IGNORED
from engine.models.token_texts import TokenTexts
from engine.training.data import TrainingData
from engine.training.order import training_order
from store.records.batch import BatchRow, FirstBatch, Place
from store.records.preview import Token
from store.records.recipe import Recipe

FILE = "first_batch.json"


def first_batch(
    trainer: Trainer, recipe: Recipe, data: TrainingData, texts: TokenTexts, special: set[int]
) -> FirstBatch:
    """The batch of a run that has done no step yet. `data` is what its order is drawn from; `special` are ids
    that no text becomes.
    """
    dataset: Any = trainer.train_dataset
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    seed = recipe.seed if recipe.data_seed < 0 else recipe.data_seed
    order = training_order(data.lengths, 1, step_rows, recipe.batch_size, seed)[: recipe.batch_size]
    lines = [data.rows[at].line for at in order]
    batch: Any = trainer.data_collator([dataset[at] for at in range(len(order))])
    packed = "position_ids" in batch
    parts = unpacked(batch, lines) if packed else padded(batch, lines)
    first = batch["input_ids"] if "input_ids" in batch else batch["chosen_input_ids"]
    shape = (int(first.shape[0]), int(first.shape[1]))
    rows = [read_row(part, texts, special) for part in parts]
    return FirstBatch(recipe.objective, packed, recipe.gradient_accumulation, shape, rows)


class Part(NamedTuple):
    """A row of a batch's tensors: ids, labels and what is no padding [slots]; where it starts in a tensor.

    A label is the token itself where it carries loss.
    """

    place: Place
    line: int
    ids: torch.Tensor
    labels: torch.Tensor
    kept: torch.Tensor
    start: int = 0


def unpacked(batch: dict[str, Any], lines: list[int]) -> list[Part]:
    """The rows that stand in one: each begins where positions begin again."""
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    spans = zip(lines, starts, [*starts[1:], len(ids)], strict=True)
    return [
        Part("answer", line, ids[begin:end], labels[begin:end], torch.ones(end - begin).bool(), begin)
        for line, begin, end in spans
    ]


def padded(batch: dict[str, Any], lines: list[int]) -> list[Part]:
    """The rows of any trainer's padded batch."""
    endings: tuple[Place, Place] = ("chosen", "rejected")
    if "chosen_input_ids" in batch:  # orpo
        return [
            Part(place, line, *row)
            for place in endings
            for line, *row in zip(
                lines,
                batch[f"{place}_input_ids"],
                batch[f"{place}_labels"],
                kept(batch, f"{place}_"),
                strict=True,
            )
        ]
    ids, mask = batch["input_ids"], kept(batch)
    if "completion_mask" not in batch:  # sft, text
        return [Part("answer", *row) for row in zip(lines, ids, batch["labels"], mask, strict=True)]
    labels = ids.masked_fill(batch["completion_mask"] == 0, IGNORED)
    if "KL_input_ids" not in batch:  # dpo: all chosen rows, then all rejected ones
        places = [place for place in endings for _ in lines]
        return [Part(*row) for row in zip(places, lines * 2, ids, labels, mask, strict=True)]
    other = batch["KL_input_ids"]
    masked = other.masked_fill(batch["KL_completion_mask"] == 0, IGNORED)
    return [
        *(Part("answer", *row) for row in zip(lines, ids, labels, mask, strict=True)),
        *(Part("prompt of another", 0, *row) for row in zip(other, masked, kept(batch, "KL_"), strict=True)),
    ]


def kept(batch: dict[str, Any], prefix: str = "") -> torch.Tensor:
    """What is no padding."""
    mask: torch.Tensor = batch[f"{prefix}attention_mask"].bool()
    return mask


def read_row(part: Part, texts: TokenTexts, special: set[int]) -> BatchRow:
    """One row for people. Its first token has none before it to be predicted from."""
    held, wanted = part.ids[part.kept].tolist(), part.labels[part.kept].tolist()
    tokens = [
        Token(token, text, at > 0 and label != IGNORED, special=token in special)
        for at, (token, text, label) in enumerate(zip(held, token_texts(held, texts), wanted, strict=True))
    ]
    return BatchRow(part.place, part.line, tokens, part.start, len(part.ids) - len(held))


def token_texts(ids: list[int], texts: TokenTexts) -> list[str]:
    """What each id says; nothing those at the end of a row that was cut in mid-character."""
    for whole in range(len(ids), max(0, len(ids) - 4), -1):
        said = texts.spelled(ids[:whole])
        if texts.says(ids[:whole], said):
            return texts.split(ids[:whole], said) + [""] * (len(ids) - whole)
    return [texts.spelled([one]) for one in ids]
