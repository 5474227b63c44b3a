"""How likely rows are under a model: log-probability and hits of their tokens with loss, without a gradient.

Works on the model that a trainer holds, whatever its objective, and leaves it as it was: mode, weights and
random states. Holds no full logits where the tiled head applies. Does not know what the rows are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from engine.data.rendering import IGNORED, Row
from engine.training import loss_head, packed_attention
from engine.training.batches import collator
from store.records.outcome import RowScore

PASS_TOKENS = 2048
"""Tokens of a forward pass, padding too: little beside what a training step of a model that fits keeps."""


@torch.no_grad()
def score(model: Any, rows: Sequence[Row], dtype: torch.dtype | None = None) -> list[RowScore]:
    """A score for each row, in the order of `rows`.

    Rows stand one behind the other where the model has the attention that keeps them apart, which it has once
    that is proven of it. `dtype` is what a trainer would compute in while the weights are float32; None or
    float32 leaves it to the weights.
    """
    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    packed = base.config._attn_implementation == packed_attention.NAME
    found: dict[int, RowScore] = {}
    half = dtype in (torch.float16, torch.bfloat16)
    with evaluating(model), torch.autocast(base.device.type, dtype=dtype if half else None, enabled=half):
        for part in passes([len(row.input_ids) for row in rows], packed):
            found |= dict(zip(part, score_pass(base, [rows[at] for at in part], packed), strict=True))
    return [found[at] for at in range(len(rows))]


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """The model without dropout and noise, put back into its mode behind."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def passes(lengths: Sequence[int], packed: bool) -> Iterator[list[int]]:
    """Indices of the rows of each forward pass, longest first, so that little is padded."""
    part: list[int] = []
    held = 0
    for at in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        now = held + lengths[at] if packed else (len(part) + 1) * lengths[part[0] if part else at]
        if part and now > PASS_TOKENS:
            yield part
            part, now = [], lengths[at]
        part.append(at)
        held = now
    if part:
        yield part


def score_pass(base: PreTrainedModel, rows: Sequence[Row], packed: bool) -> list[RowScore]:
    """One forward pass. A token belongs to the row that it stands in; the first of a row is not predicted."""
    # whatever is padded with is masked
    batch = collator(0, packed)([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    batch = {
        name: one.to(base.device) if isinstance(one, torch.Tensor) else one for name, one in batch.items()
    }
    targets = batch.pop("labels")[:, 1:]
    mask = targets != IGNORED
    log_probs, hits = predictions(base, batch, targets, mask)
    owner = owners([len(row.input_ids) for row in rows], packed, mask.shape[1]).to(mask.device)
    mine = owner.expand(mask.shape)[mask]
    sums = torch.zeros(3, len(rows), dtype=torch.float64, device=mask.device)
    for at, values in enumerate((log_probs.double(), torch.ones_like(log_probs).double(), hits.double())):
        sums[at].index_add_(0, mine, values)
    told = sums.cpu().tolist()
    return [RowScore(told[0][n], int(told[1][n]), int(told[2][n])) for n in range(len(rows))]


def owners(lengths: Sequence[int], packed: bool, columns: int) -> torch.Tensor:
    """Which row the targets belong to: [1, columns] of a packed pass, [rows, 1] of a padded one."""
    rows = torch.arange(len(lengths))
    if not packed:
        return rows[:, None]
    owner = torch.repeat_interleave(rows, torch.tensor(lengths))[1:]
    assert len(owner) == columns
    return owner[None]


def predictions(
    base: PreTrainedModel, batch: dict[str, Any], targets: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities [n] in float32 of the n targets under `mask`, and whether each is the likeliest."""
    if not loss_head.applies(base, trained=False):  # without a gradient it does not matter what is trained
        logits = base(**batch, use_cache=False).logits[:, :-1][mask].float()
        log_probs = logits.log_softmax(-1).gather(1, targets[mask][:, None]).squeeze(1)
        return log_probs, logits.argmax(-1) == targets[mask]
    softcap = getattr(base.config.get_text_config(), "final_logit_softcapping", None)
    hidden = base.base_model(**batch, use_cache=False).last_hidden_state[:, :-1]
    head: Any = base.get_output_embeddings()
    tiled: Any = loss_head.TiledLogProbs.apply  # torch leaves it untyped
    found, top, _ = tiled(hidden[mask], head.weight, getattr(head, "bias", None), targets[mask], softcap)
    return found, top
