"""Rows under a model: against the plain logits of each row alone, and with nothing of the model changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.data.rendering import IGNORED, Row
from engine.models.directory import ModelDirectory
from engine.training import scoring
from engine.training.base import load_base
from engine.training.devices import find_device
from engine.training.objectives import packs
from tests.bases import recipe, rows_of

pytestmark = pytest.mark.training


def by_hand(model: Any, row: Row) -> tuple[float, int, int]:
    """Log-probability of the labels, how many there are, how many are the likeliest, from full logits."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row.input_ids])).logits[0].float()
    pairs = [(at, label) for at, label in enumerate(row.labels[1:]) if label != IGNORED]
    total = sum(float(logits[at].log_softmax(-1)[label]) for at, label in pairs)
    return total, len(pairs), sum(int(logits[at].argmax()) == label for at, label in pairs)


@pytest.fixture(scope="module")
def plain(micro: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(micro)


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("tokens", [scoring.PASS_TOKENS, 40, 1])
def test_a_score_is_that_of_the_row_alone_whatever_it_stands_beside(
    packing: bool, tokens: int, micro: Path, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PASS_TOKENS", tokens)
    asked = recipe(method="lora", packing=packing)
    assert packs(asked) == packing
    model = load_base(ModelDirectory(micro), asked, find_device())
    rows = rows_of(micro)
    for row, found in zip(rows, scoring.score(model, rows), strict=True):
        log_prob, count, hits = by_hand(plain, row)
        assert found.log_prob == pytest.approx(log_prob, abs=1e-4)
        assert (found.tokens, found.correct) == (count, hits)


def test_a_head_that_scales_its_logits_gives_full_ones_and_the_same_scores(micro: Path, plain: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(micro)
    model.config.logit_scale = 2.0  # Llama ignores it; the tiled head does not apply to such a model
    rows = rows_of(micro)
    left, right = scoring.score(model, rows), scoring.score(plain, rows)
    assert [one.log_prob for one in left] == pytest.approx([one.log_prob for one in right], abs=1e-4)
    assert [one.correct for one in left] == [one.correct for one in right]


def test_scoring_leaves_mode_weights_and_random_numbers_as_they_were(micro: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(micro).train()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    scoring.score(model, rows_of(micro))
    assert torch.equal(torch.rand(3), expected)
    assert model.training
    assert all(one.grad is None for one in model.parameters())
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())


@pytest.mark.parametrize("packed", [True, False])
def test_passes_hold_every_row_once_and_no_more_tokens_than_they_may(packed: bool) -> None:
    lengths = [700, 3, 2048, 900, 5000, 900, 12]
    found = list(scoring.passes(lengths, packed))
    assert sorted(at for part in found for at in part) == list(range(len(lengths)))
    for part in found:
        held = [lengths[at] for at in part]
        assert len(part) == 1 or (sum(held) if packed else max(held) * len(held)) <= scoring.PASS_TOKENS
