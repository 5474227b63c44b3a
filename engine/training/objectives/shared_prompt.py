"""Pairs without padding, their common beginning computed once: prompt, chosen ending, rejected ending.

Two rows that begin alike have the same hidden states there, whatever follows: attention is causal. So the
beginning goes through the model once, and each ending sees it and itself. The trainer knows nothing of it:
it hands over padded rows and gets the hidden states of padded rows back. Knows no loss.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast

from engine.data.rendering import Row
from engine.training import packed_attention
from engine.training.batches import PROOF_ROWS, PROOF_TOKENS, differs
from engine.training.packed_attention import PackedPair, PackedPairs


def install(model: PreTrainedModel, chosen: Sequence[Row], rejected: Sequence[Row]) -> bool:
    """Let `model` read every batch of pairs this way; False, and `model` as it was, where it would not give
    the hidden states of each row alone: that is tried on the first pairs.
    """
    inner = model.base_model
    before = model.config._attn_implementation
    if inner is model or not packs(model):
        return False
    stock = inner.forward
    inner.forward = shared_forward(stock)
    if proven(model, chosen, rejected):
        return True
    inner.forward = stock
    model.set_attn_implementation(before)
    return False


def packs(model: PreTrainedModel) -> bool:
    """Switch `model` to packed attention; False for an architecture that knows its own attentions only."""
    try:
        model.set_attn_implementation(packed_attention.register())
    except (ValueError, KeyError):
        return False
    return bool(model.config._attn_implementation == packed_attention.NAME)


def shared_forward(stock: Any) -> Any:
    """`stock`, the forward of a model without its head, over padded rows [2 * pairs, longest]: all chosen
    ones, then all rejected ones, on the left of their padding.
    """

    @functools.wraps(stock)
    def forward(
        input_ids: torch.Tensor | None = None, attention_mask: torch.Tensor | None = None, **rest: Any
    ) -> Any:
        if input_ids is None or attention_mask is None:
            return stock(input_ids=input_ids, attention_mask=attention_mask, **rest)
        pairs = pairs_of(input_ids, attention_mask)
        packed = torch.cat([pieces(input_ids, at, pair) for at, pair in enumerate(pairs.each)])
        found = stock(
            input_ids=packed.unsqueeze(0),
            position_ids=positions(pairs, input_ids.device).unsqueeze(0),
            attention_mask=None,
            pairs=pairs,
            **rest,
        )
        hidden = found.last_hidden_state[0]
        return BaseModelOutputWithPast(last_hidden_state=hidden[unpacked(pairs, input_ids)])

    return forward


def pairs_of(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> PackedPairs:
    """How long the rows of a batch are, and how far the two of each pair agree."""
    lengths = attention_mask.sum(1).tolist()
    (chosen, rejected), (one, other) = input_ids.chunk(2), attention_mask.bool().chunk(2)
    alike = ((chosen == rejected) & one & other).long().cumprod(1).sum(1).tolist()
    half = len(alike)
    return PackedPairs([PackedPair(alike[at], lengths[at], lengths[half + at]) for at in range(half)])


def pieces(input_ids: torch.Tensor, at: int, pair: PackedPair) -> torch.Tensor:
    """The tokens of one pair: the chosen row, then what the rejected one has of its own."""
    other = input_ids[len(input_ids) // 2 + at, pair.common : pair.rejected]
    return torch.cat([input_ids[at, : pair.chosen], other])


def positions(pairs: PackedPairs, device: torch.device) -> torch.Tensor:
    """Where each packed token stands in its own row."""
    parts = [(0, pair.chosen, pair.common, pair.rejected) for pair in pairs.each]
    return torch.cat(
        [torch.arange(*span, device=device) for one in parts for span in ((one[0], one[1]), (one[2], one[3]))]
    )


def unpacked(pairs: PackedPairs, input_ids: torch.Tensor) -> torch.Tensor:
    """For each slot [2 * pairs, longest] the packed token that stands there; the first for padding."""
    where = torch.zeros(input_ids.shape, dtype=torch.long)
    begin, half = 0, len(pairs.each)
    for at, pair in enumerate(pairs.each):
        where[at, : pair.chosen] = torch.arange(begin, begin + pair.chosen)
        where[half + at, : pair.common] = torch.arange(begin, begin + pair.common)
        where[half + at, pair.common : pair.rejected] = torch.arange(begin + pair.chosen, begin + pair.packed)
        begin += pair.packed
    return where.to(input_ids.device)


@torch.no_grad()
def proven(model: PreTrainedModel, chosen: Sequence[Row], rejected: Sequence[Row]) -> bool:
    """Whether pairs read together give every row the hidden states that it has alone."""
    half = PROOF_ROWS // 2
    rows = [row.input_ids[:PROOF_TOKENS] for side in (chosen, rejected) for row in side[:half]]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=model.device)
    training = model.training
    model.eval()
    try:
        together = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        model.set_attn_implementation("eager")  # the architecture's own, whatever is special about it
        alone = [
            model.base_model(input_ids=torch.tensor([row], device=model.device), use_cache=False)
            for row in rows
        ]
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return False  # an architecture that refuses packed rows says so in one of these
    finally:
        model.set_attn_implementation(packed_attention.NAME)
        model.train(training)
    expected = torch.cat([one.last_hidden_state[0] for one in alone])
    return not differs(together[mask.bool()], expected, model.dtype)
