"""Packed rows never see each other, the loss needs no logits, and neither changes what is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from engine.data.rendering import IGNORED, Row
from engine.training import loss_head, packed_attention
from engine.training.batches import collator, keeps_apart, logits
from tests.engine.conftest import train_on
from tests.engine.training.architectures import ARCHITECTURES, WINDOW, model_of

pytestmark = pytest.mark.training


def rows(*lengths: int) -> list[Row]:
    generator = torch.Generator().manual_seed(1)
    made = []
    for line, length in enumerate(lengths, start=1):
        ids = torch.randint(3, 512, (length,), generator=generator).tolist()
        made.append(Row(ids, [IGNORED] * (length // 2) + ids[length // 2 :], line))
    return made


def batch_of(some: list[Row], packed: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = collator(0, packed)(
        [{"input_ids": row.input_ids, "labels": row.labels} for row in some]
    )
    return found


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_packed_row_gives_each_example_the_logits_that_it_has_alone(kind: str) -> None:
    model, some = model_of(kind), rows(5, 3 * WINDOW, 1 + WINDOW, 3)
    with torch.no_grad():
        packed = logits(model, batch_of(some))
        model.set_attn_implementation("eager")  # Transformers' own plain attention, as the judge
        alone = torch.cat(
            [logits(model, {"input_ids": torch.tensor([row.input_ids])}) for row in some], dim=1
        )
    assert torch.allclose(packed, alone, atol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_a_padded_batch_is_attended_to_as_ever(kind: str) -> None:
    model, batch = model_of(kind), batch_of(rows(5, 20), packed=False)
    with torch.no_grad():
        ours = logits(model, dict(batch))[batch["attention_mask"].bool()]
        model.set_attn_implementation("eager")
        theirs = logits(model, dict(batch))[batch["attention_mask"].bool()]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_autocast_brings_queries_keys_and_values_to_one_type_as_it_does_for_the_stock_attention() -> None:
    query, value = torch.zeros(1, 1, 2, 8), torch.zeros(1, 1, 2, 8, dtype=torch.bfloat16)
    assert [one.dtype for one in packed_attention.in_one_type(query, value)] == [query.dtype, value.dtype]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert [one.dtype for one in packed_attention.in_one_type(query, value)] == [torch.bfloat16] * 2


@pytest.mark.parametrize("asks", [True, False], ids=["torch 2.13", "torch 2.11"])
def test_the_kernel_is_told_that_heads_share_keys_where_it_asks(
    asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer(q: object, *, scale: object, window_size: object, enable_gqa: bool = False) -> None: ...
    def older(q: object, *, scale: object, window_size: object) -> None: ...

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", newer if asks else older)
    packed_attention._grouped_heads.cache_clear()
    try:
        assert packed_attention._grouped_heads() == ({"enable_gqa": True} if asks else {})
    finally:
        packed_attention._grouped_heads.cache_clear()


def test_a_model_that_keeps_examples_apart_is_packed() -> None:
    assert keeps_apart(model_of("llama"), rows(5, 20, 9))


@pytest.mark.parametrize("kind", ["stablelm", "gpt_oss"])
def test_a_model_that_would_mix_examples_is_found_out(kind: str) -> None:
    # stablelm does not hand the bounds on to its attention; gpt_oss attends to sinks of its own
    more = {"head_dim": 16, "num_local_experts": 4} if kind == "gpt_oss" else {}
    assert not keeps_apart(model_of(kind, **more), rows(5, 20, 9))


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_the_tiled_loss_and_its_gradient_are_those_of_full_logits(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss_head, "TILE_BYTES", 4 * 512 * 3)  # three positions at a time
    batch = batch_of(rows(9, 17))
    losses, gradients = [], []
    for fused in (False, True):
        model = model_of(kind)
        model.get_output_embeddings().weight = torch.nn.Parameter(
            model.get_output_embeddings().weight.detach().clone(), requires_grad=False
        )
        if fused:
            add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
            assert loss_head.install(model)
            loss = model(**batch, fused_lm_head=True).loss
        else:
            loss = model(**batch).loss
        loss.backward()
        losses.append(loss.item())
        embedded: Any = model.get_input_embeddings().weight
        gradients.append(embedded.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert (gradients[0] - gradients[1]).abs().max() < 1e-5 * gradients[0].abs().max()


def test_a_trainable_head_keeps_the_stock_loss() -> None:
    assert not loss_head.install(model_of("llama"))


def test_a_batch_without_a_trained_token_has_a_loss_of_zero_with_a_gradient() -> None:
    model = model_of("llama")
    model.get_output_embeddings().weight.requires_grad_(False)
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    assert loss_head.install(model)
    batch = batch_of(rows(6))
    batch["labels"] = torch.full_like(batch["labels"], IGNORED)
    loss = model(**batch, fused_lm_head=True).log_probs.sum()
    loss.backward()
    assert loss.item() == 0.0


def test_packing_changes_no_loss_of_a_run(micro: Path, tmp_path: Path) -> None:
    losses = [
        train_on(
            micro, tmp_path / str(packing), method="lora", batch_size=4, max_steps=6, packing=packing
        ).recorder.losses
        for packing in (True, False)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
