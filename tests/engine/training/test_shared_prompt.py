"""The prompt of a pair goes through the model once: states, gradients and margins stay what they were."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.data.rendering import IGNORED, Row
from engine.training import packed_attention
from engine.training.objectives import shared_prompt
from engine.training.packed_attention import PackedPair, PackedPairs
from store.records.events import Evaluated, Step
from tests.engine.conftest import Trained
from tests.engine.training.architectures import ARCHITECTURES, WINDOW, model_of
from tests.preferences import asked, data_for, run_on

pytestmark = pytest.mark.training

Pair = tuple[list[int], list[int]]
# pairs that agree: in a prompt longer than a window, in nothing, in everything, up to the end of one of them
PAIRS: list[Pair] = [
    ([*range(3, 3 + 3 * WINDOW), 50, 51, 52], [*range(3, 3 + 3 * WINDOW), 60, 61]),
    ([5, 6, 7], [8, 9, 10, 11]),
    ([12, 13, 14], [12, 13, 14]),
    ([20, 21, 22, 23, 24], [20, 21, 22]),
]


def batch_of(pairs: list[Pair], pad: int = 0) -> dict[str, Any]:
    rows = [chosen for chosen, _ in pairs] + [rejected for _, rejected in pairs]
    longest = max(map(len, rows))
    return {
        "input_ids": torch.tensor([row + [pad] * (longest - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
    }


def rows_of(pairs: list[Pair]) -> tuple[list[Row], list[Row]]:
    chosen, rejected = (
        [Row(ids, [IGNORED, *ids[1:]], line) for line, ids in enumerate(side)]
        for side in zip(*pairs, strict=True)
    )
    return chosen, rejected


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_row_of_a_pair_has_the_hidden_states_and_gradients_that_it_has_alone(kind: str) -> None:
    batch = batch_of(PAIRS)
    kept = batch["attention_mask"].bool()
    weights = torch.randn(*kept.shape, 64, generator=torch.Generator().manual_seed(3))[kept]
    found, gradients = [], []
    for share in (False, True):
        model = model_of(kind)
        if share:
            assert shared_prompt.install(model, *rows_of(PAIRS))
        else:
            model.set_attn_implementation("eager")
        hidden = model.base_model(**batch, use_cache=False).last_hidden_state[kept]
        (hidden * weights).sum().backward()
        found.append(hidden.detach())
        gradients.append({name: one.grad for name, one in model.named_parameters() if one.grad is not None})
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert gradients[0].keys() == gradients[1].keys()
    for name, one in gradients[0].items():
        assert (one - gradients[1][name]).abs().max() <= 1e-4 * one.abs().max().clamp(min=1e-3), name


def test_the_model_reads_the_common_beginning_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("llama")
    assert shared_prompt.install(model, *rows_of(PAIRS))
    read: list[int] = []
    model.get_input_embeddings().register_forward_hook(lambda *given: read.append(given[1][0].numel()))
    model.base_model(**batch_of(PAIRS), use_cache=False)
    assert read == [(27 + 2) + (3 + 4) + 3 + 5]


@pytest.mark.parametrize("kind", ["stablelm", "gpt_oss"])
def test_a_model_that_would_mix_rows_is_left_as_it_was(kind: str) -> None:
    more = {"head_dim": 16, "num_local_experts": 4} if kind == "gpt_oss" else {}
    model = model_of(kind, **more)
    model.set_attn_implementation("eager")
    batch = batch_of(PAIRS)
    with torch.no_grad():
        before = model.base_model(**batch, use_cache=False).last_hidden_state
        assert not shared_prompt.install(model, *rows_of(PAIRS))
        assert torch.equal(model.base_model(**batch, use_cache=False).last_hidden_state, before)
    assert model.config._attn_implementation == "eager"


def test_whole_rows_with_their_beginning_twice_give_the_same_attention() -> None:
    """What a card's kernel is given, by the attention that the CPU has for whole rows."""
    pairs = PackedPairs([PackedPair(5, 9, 7), PackedPair(0, 3, 2), PackedPair(4, 4, 4)])
    tokens = sum(pair.packed for pair in pairs.each)
    drawn = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, tokens, 8, generator=drawn)
    key, value = (torch.randn(1, 2, tokens, 8, generator=drawn) for _ in range(2))
    module = torch.nn.Identity()
    expected, _ = packed_attention.packed_attention(module, query, key, value, None, pairs=pairs)
    rows, first = pairs.rows(), pairs.first()
    assert torch.equal(rows[first], torch.arange(tokens))
    bounds = torch.tensor([0, *accumulate(pairs.lengths)])
    q, k, v = (one.index_select(2, rows) for one in (query, key, value))
    found, _ = packed_attention.packed_attention(module, q, k, v, None, cu_seq_lens_q=bounds)
    assert torch.allclose(found.index_select(1, first), expected, atol=1e-6)


def margins(run: Trained) -> list[float]:
    told = [event for event in run.recorder.events if isinstance(event, Step | Evaluated)]
    return [event.metrics["reward_margin"] for event in told]


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "lora"},
        {"method": "qlora"},
        {"method": "full"},
        {"method": "lora", "recompute_layers": "all"},
        {"method": "lora", "batch_size": 2, "gradient_accumulation": 4},
    ],
)
def test_margins_are_those_of_padded_pairs(changes: dict[str, Any], micro: Path, tmp_path: Path) -> None:
    data = data_for(micro, asked(objective="dpo"))
    data.heldout = data_for(micro, asked(objective="dpo"))
    shared, padded = (
        run_on(
            micro, tmp_path / str(share), data, objective="dpo", eval_every=3, share_prompt=share, **changes
        )
        for share in (True, False)
    )
    assert shared.recorder.losses == pytest.approx(padded.recorder.losses, abs=2e-5)
    assert margins(shared) == pytest.approx(margins(padded), abs=1e-4)


def test_a_pair_behind_an_earlier_adapter_is_measured_against_it(micro: Path, tmp_path: Path) -> None:
    first = run_on(micro, tmp_path / "first", objective="dpo", max_steps=3)
    shared, padded = (
        run_on(micro, tmp_path / str(share), start=first.adapter, objective="dpo", share_prompt=share)
        for share in (True, False)
    )
    assert margins(shared)[0] == pytest.approx(0, abs=1e-5)
    assert margins(shared) == pytest.approx(margins(padded), abs=1e-4)
