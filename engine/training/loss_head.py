"""The loss without the logits: only positions that carry loss are projected, a few at a time.

A vocabulary of 128,000 makes the logits the largest thing in memory, and most of them belong to prompt tokens
that nobody trains. TRL's fused head avoids storing them, yet on a CPU it projects every position. This one
replaces it behind the same interface (`model(..., labels=..., fused_lm_head=True)`). It takes the gradient of
the hidden states in the forward pass, while a tile of logits is there, so nothing is computed twice.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from transformers import PreTrainedModel
from trl.trainer.utils import FusedCausalLMOutput

TILE_BYTES = 64 << 20
"""Logits that are held at a time: large enough for the matrix product to be efficient."""


def applies(model: PreTrainedModel, trained: bool) -> bool:
    """Whether this head does what `model`'s own does; `trained`: the head's own weights are.

    It applies to a frozen head without temperature or scaling: then the gradient of the hidden states is all
    that is needed. Everything else keeps TRL's.
    """
    config = model.config.get_text_config()
    scaled = any(
        getattr(config, name, None) not in (None, 1.0)
        for name in ("logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")
    )
    routed = hasattr(config, "output_router_logits")  # their auxiliary loss is computed in TRL's forward
    return not (model.get_output_embeddings() is None or trained or scaled or routed)


def install(model: PreTrainedModel, smoothing: float = 0.0, means: bool = False) -> bool:
    """Put this head on `model` after TRL has put on its own; False where it does not apply.

    `smoothing`: while training, this share of each target is spread evenly over the vocabulary (Szegedy et
    al., "Rethinking the Inception Architecture", 2016, section 7), and the log-probabilities are those of the
    smoothed target. `means`: the mean logits, which preference trainers log, are wanted too.
    """
    head = model.get_output_embeddings()
    if not applies(model, trained=head is not None and head.weight.requires_grad):
        return False
    config = model.config.get_text_config()
    before = model.forward
    softcap = getattr(config, "final_logit_softcapping", None)

    @functools.wraps(type(model).forward)
    def forward(*arguments: Any, fused_lm_head: bool = False, labels: Any = None, **rest: Any) -> Any:
        if not fused_lm_head or labels is None:
            given = {} if labels is None else {"labels": labels}
            return before(*arguments, fused_lm_head=fused_lm_head, **given, **rest)
        rest.pop("num_items_in_batch", None)
        hidden = model.base_model(*arguments, **rest | {"use_cache": False}).last_hidden_state[:, :-1]
        targets = labels[:, 1:].to(hidden.device)
        mask = targets != -100
        output = model.get_output_embeddings()
        scored: Any = TiledLogProbs.apply  # torch leaves it untyped
        share = smoothing if model.training else 0.0
        found, top, mean = scored(
            hidden[mask], output.weight, output.bias, targets[mask], softcap, share, means
        )
        log_probs = found.new_zeros(mask.shape).masked_scatter(mask, found)
        return FusedCausalLMOutput(
            loss=-found.sum() / mask.sum().clamp(min=1),
            log_probs=log_probs,
            entropy=torch.zeros_like(log_probs),
            mean_logits=found.new_zeros(mask.shape).masked_scatter(mask, mean),
            is_top1=top.new_zeros(mask.shape).masked_scatter(mask, top),
            label_mask=mask,
        )

    model.forward = forward
    return True


class TiledLogProbs(torch.autograd.Function):
    """log softmax(hidden @ weight.T + bias)[targets], with the gradient of `hidden` alone."""

    @staticmethod
    def forward(
        context: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        softcap: float | None,
        smoothing: float = 0.0,
        means: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`hidden` [n, d], `weight` [v, d], `targets` [n] to log-probabilities [n] (of the smoothed target),
        which are top [n], and the mean logits [n] (zeros unless `means` or `smoothing`).
        """
        n, needs = len(hidden), hidden.requires_grad
        log_probs = torch.empty(n, dtype=torch.float32, device=hidden.device)
        top = torch.empty(n, dtype=torch.bool, device=hidden.device)
        mean = torch.zeros_like(log_probs)
        gradient = torch.empty_like(hidden) if needs else None
        tile = max(1, TILE_BYTES // (4 * len(weight)))
        for begin in range(0, n, tile):
            part = slice(begin, begin + tile)
            raw = torch.nn.functional.linear(hidden[part], weight, bias).float()
            capped = raw if softcap is None else softcap * torch.tanh(raw / softcap)
            chosen = capped.gather(1, targets[part, None]).squeeze(1)
            most = capped.max(dim=1)
            normaliser = capped.logsumexp(1)
            log_probs[part] = chosen - normaliser
            if means or smoothing:
                mean[part] = capped.mean(dim=1)
            if smoothing:
                log_probs[part] = (1 - smoothing) * chosen + smoothing * mean[part] - normaliser
            top[part] = most.indices == targets[part]
            if gradient is None:
                continue
            slope = capped.sub(normaliser[:, None]).exp_().neg_()  # d log p / d logit = onehot - softmax
            slope += smoothing / len(weight)
            slope.scatter_add_(1, targets[part, None], torch.full_like(chosen, 1 - smoothing)[:, None])
            if softcap is not None:
                slope *= 1 - (capped / softcap) ** 2
            gradient[part] = slope.to(weight.dtype) @ weight
        context.save_for_backward(gradient)
        context.mark_non_differentiable(top, mean)
        return log_probs, top, mean

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The stored slope of each position, times what comes from above."""
        (gradient,) = context.saved_tensors
        return upstream[0][:, None].to(gradient.dtype) * gradient, *[None] * 6
