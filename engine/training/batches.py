"""Rows become batches: packed without padding where the model is proven to keep examples apart, else padded.

Every architecture is asked, none is trusted: a model that mixes tokens in another way than through its
attention (or attends in a way of its own) gives another answer for a packed row than for a row alone, and is
padded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from engine.data.rendering import Row

PROOF_ROWS = 4
PROOF_TOKENS = 48
TOLERANCE = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 6e-2}
"""Largest difference of a logit that is rounding, as a share of the largest. Where examples saw each
other it was .4 and more, where they did not 4e-7 (float32, random models of 22 architectures)."""


def collator(pad_token_id: int, packed: bool) -> DataCollatorForLanguageModeling:
    """TRL's own collator: rows one after another in one row with their bounds, or padded on the right."""
    return DataCollatorForLanguageModeling(pad_token_id=pad_token_id, padding_free=packed)


@torch.no_grad()
def keeps_apart(model: PreTrainedModel, rows: Sequence[Row]) -> bool:
    """Whether each example of a packed row gives the logits that it gives alone: tried on the first rows."""
    samples = [row.input_ids[:PROOF_TOKENS] for row in rows[:PROOF_ROWS] if len(row.input_ids) > 1]
    if len(samples) == 1:
        samples *= 2
    training, attention = model.training, model.config._attn_implementation
    model.eval()
    try:
        packed = logits(model, collator(0, packed=True)([{"input_ids": ids} for ids in samples]))
        model.set_attn_implementation("eager")  # the architecture's own, whatever is special about it
        alone = torch.cat([logits(model, {"input_ids": torch.tensor([ids])}) for ids in samples], dim=1)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return False  # an architecture that refuses packed rows says so in one of these
    finally:
        model.set_attn_implementation(attention)
        model.train(training)
    return not differs(packed, alone, model.dtype)


def differs(found: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether two tensors are further apart than what a model of `dtype` rounds."""
    difference = (found.float() - expected.float()).abs().max() / expected.float().abs().max().clamp(min=1e-6)
    return bool(difference > TOLERANCE.get(dtype, TOLERANCE[torch.bfloat16]))


def logits(model: PreTrainedModel, batch: dict[str, Any]) -> torch.Tensor:
    """The logits [1, tokens, vocabulary] of a batch, in float32."""
    batch.pop("labels", None)
    moved = {
        name: value.to(model.device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }
    found: torch.Tensor = model(**moved, use_cache=False).logits
    return found.float()
