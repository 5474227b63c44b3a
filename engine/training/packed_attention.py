"""Attention over packed batches: several examples stand in one row, and none of them sees another.

Padding computes on nothing; packing with the stock attention on the other hand builds a mask of all tokens by
all tokens. Here each example is attended to by itself: on CUDA by torch's variable-length kernel, elsewhere
by one scaled-dot-product call per example. Registered with Transformers under NAME; where a batch is padded
(it has an attention mask) the stock implementation is used. Does not know how batches are made.
"""

from __future__ import annotations

import functools
import inspect
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import torch
import torch.nn.functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "temper_packed"


class PackedPair(msgspec.Struct, frozen=True):
    """Two rows of `chosen` and `rejected` tokens that agree in their first `common` ones."""

    common: int
    chosen: int
    rejected: int

    @property
    def packed(self) -> int:
        """Tokens of both where the beginning stands once: the chosen row, then the rest of the other."""
        return self.chosen + self.rejected - self.common


class PackedPairs(msgspec.Struct, frozen=True):
    """Pairs one after another in one packed row."""

    each: list[PackedPair]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row, the two of a pair beside each other."""
        return [length for pair in self.each for length in (pair.chosen, pair.rejected)]

    def rows(self) -> torch.Tensor:
        """The packed tokens of each whole row, row after row: those of a beginning come twice."""
        parts, begin = [], 0
        for pair in self.each:
            parts += [
                torch.arange(begin, begin + pair.chosen),
                torch.arange(begin, begin + pair.common),
                torch.arange(begin + pair.chosen, begin + pair.packed),
            ]
            begin += pair.packed
        return torch.cat(parts)

    def first(self) -> torch.Tensor:
        """For each packed token where `rows` names it first."""
        parts, begin = [], 0
        for pair in self.each:
            end = begin + pair.chosen + pair.rejected
            parts += [
                torch.arange(begin, begin + pair.chosen),
                torch.arange(begin + pair.chosen + pair.common, end),
            ]
            begin = end
        return torch.cat(parts)


def register() -> str:
    """Make the attention known to Transformers; returns the name to load a model with."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, _mask)
    return NAME


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    pairs: PackedPairs | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each example of a packed row.

    `query` [1, heads, tokens, dim], `key` and `value` [1, key heads, tokens, dim]; `cu_seq_lens_q` [examples
    + 1] holds where examples begin and end, or `pairs` how pairs do; `sliding_window` in tokens. Returns
    [1, tokens, heads, dim]. Without either it is the stock attention of a padded batch.
    """
    if pairs is not None:
        return _pairs(query, key, value, pairs, (dropout, scaling, sliding_window, softcap)), None
    if cu_seq_lens_q is None:
        if softcap is not None:
            seen = attention_mask if attention_mask is not None else _band(query.shape[2], None, query.device)
            return _eager(query, key, value, seen, scaling, softcap), None
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
    query, key, value = in_one_type(query, key, value)
    if takes_kernel(query, dropout, softcap):
        return _varlen(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window), None
    parts = [
        _one(
            query[:, :, begin:end],
            key[:, :, begin:end],
            value[:, :, begin:end],
            dropout,
            scaling,
            sliding_window,
            softcap,
        )
        for begin, end in pairwise(cu_seq_lens_q.tolist())
    ]
    return torch.cat(parts, dim=1), None


def _pairs(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, pairs: PackedPairs, settings: tuple[Any, ...]
) -> torch.Tensor:
    """Each ending of a pair sees the common beginning and itself."""
    dropout, scaling, window, softcap = settings
    query, key, value = in_one_type(query, key, value)
    if takes_kernel(query, dropout, softcap):
        # the kernel knows whole rows only: the beginning is attended to twice and stands in the result once
        rows, first = pairs.rows().to(query.device), pairs.first().to(query.device)
        bounds = torch.tensor([0, *accumulate(pairs.lengths)], dtype=torch.int32)
        q, k, v = (one.index_select(2, rows) for one in (query, key, value))
        return _varlen(q, k, v, bounds, max(pairs.lengths), scaling, window).index_select(1, first)
    parts, begin = [], 0
    for pair in pairs.each:
        middle, end = begin + pair.chosen, begin + pair.packed
        own, common = slice(middle, end), slice(begin, begin + pair.common)
        whole = slice(begin, middle)
        parts.append(
            _one(query[:, :, whole], key[:, :, whole], value[:, :, whole], dropout, scaling, window, softcap)
        )
        if middle < end:
            k, v = (torch.cat([one[:, :, common], one[:, :, own]], dim=2) for one in (key, value))
            parts.append(_one(query[:, :, own], k, v, dropout, scaling, window, softcap))
        begin = end
    return torch.cat(parts, dim=1)


def in_one_type(*tensors: torch.Tensor) -> list[torch.Tensor]:
    """Queries, keys and values in the type that autocast computes attention in; as they are without autocast.

    Where the weights are float32, rotating makes queries and keys float32 again while values are 16-bit. The
    stock attention is cast by autocast; the variable-length kernel is not on its list.
    """
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return list(tensors)
    dtype = torch.get_autocast_dtype(kind)
    return [one.to(dtype) for one in tensors]


def takes_kernel(query: torch.Tensor, dropout: float, softcap: float | None) -> bool:
    """Whether the variable-length kernel computes this: 16 bits on a card, nothing dropped or capped."""
    half = query.dtype in (torch.float16, torch.bfloat16)
    return query.is_cuda and half and not dropout and softcap is None


@functools.cache
def _grouped_heads() -> dict[str, Any]:
    """What tells the kernel that several queries share a key: torch 2.11 never asks, and does it."""
    from torch.nn.attention.varlen import varlen_attn

    known = "enable_gqa" in inspect.signature(varlen_attn).parameters
    return {"enable_gqa": True} if known else {}


def _varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: torch.Tensor,
    longest: int | None,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    bounds = bounds.to(query.device, torch.int32, non_blocking=True)
    longest = longest or int(bounds.diff().max())
    # (-1, 0) is plain causal attention; a window of W tokens includes the token itself.
    sides = (window - 1, 0) if window and window < longest else (-1, 0)
    q, k, v = (one.squeeze(0).transpose(0, 1) for one in (query, key, value))
    out = varlen_attn(
        q.contiguous(),
        k.contiguous(),
        v.contiguous(),
        bounds,
        bounds,
        longest,
        longest,
        scale=scaling,
        window_size=sides,
        **(_grouped_heads() if k.shape[1] != q.shape[1] else {}),
    )
    assert isinstance(out, torch.Tensor)
    return out.unsqueeze(0)


def _one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    """One example: [1, heads, tokens, dim] to [1, tokens, heads, dim]. Queries may be of its end alone."""
    tokens, asking = key.shape[2], query.shape[2]
    mask = None
    if (window and window < tokens) or softcap or asking < tokens:
        mask = _band(tokens, window, query.device)[tokens - asking :]
    if softcap is not None:
        return _eager(query, key, value, mask, scaling, softcap)
    out = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=key.shape[1] != query.shape[1],
    )
    return out.transpose(1, 2)


def _eager(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float | None,
    softcap: float,
) -> torch.Tensor:
    """Attention with capped scores: cap * tanh(score / cap). Gemma 2's report, section 2, equation 1."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = softcap * torch.tanh(query @ key.transpose(2, 3) * scale / softcap)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.float().softmax(-1).to(query.dtype)
    return (weights @ value).transpose(1, 2)


def _band(tokens: int, window: int | None, device: torch.device) -> torch.Tensor:
    """Which keys [tokens, tokens] a query may see: itself and those before, at most `window` in all."""
    mask = torch.ones(tokens, tokens, dtype=torch.bool, device=device).tril()
    return mask.triu(1 - window) if window else mask


def _mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **rest: Any) -> torch.Tensor | None:
    """No mask for a packed batch, which comes without one: it would be all tokens by all tokens."""
    if attention_mask is None:
        return None
    rest |= {"attention_mask": attention_mask, "allow_is_causal_skip": False}
    mask: torch.Tensor | None = sdpa_mask(*arguments, **rest)
    return mask
