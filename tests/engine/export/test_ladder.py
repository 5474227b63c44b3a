"""The ladder: figures of real files, each measured by itself, and the smallest type within tolerance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.export.ladder import DIVERGENCE, PERPLEXITY_RISE, climb, measured, why_not
from engine.export.quantise import quantise
from engine.export.rung_process import WRITTEN, measure
from store.errors import TemperError
from store.records.exports import ShipCheck
from store.records.ladders import RungTask
from tests.ggufs import stories, stories_f32, tiny_f32

pytestmark = pytest.mark.training

PROMPTS = [[1, 403, 407], [1, 300, 301, 302]]
ANSWERS = [([1, 403, 407], [261, 378, 376, 420]), ([1, 300], [410, 411])]
GOOD = ShipCheck("SHIP", kl_mean=0.001)


def test_perplexity_is_that_of_transformers() -> None:
    found = measure(RungTask(str(stories_f32()), PROMPTS, ANSWERS))
    model: Any = AutoModelForCausalLM.from_pretrained(stories(), dtype=torch.float32)
    losses: list[float] = []
    for prompt, answer in ANSWERS:
        with torch.no_grad():
            scores = model(input_ids=torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
        losses += [-float(scores[len(prompt) - 1 + at, token]) for at, token in enumerate(answer)]
    assert found.positions == len(losses) == 6
    assert found.perplexity == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-3)


def test_answers_are_the_likeliest_tokens() -> None:
    found = measure(RungTask(str(stories_f32()), PROMPTS, []))
    model: Any = AutoModelForCausalLM.from_pretrained(stories(), dtype=torch.float32)
    for prompt, written in zip(PROMPTS, found.written, strict=True):
        ids = list(prompt)
        with torch.no_grad():
            for _ in written:
                ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        assert written == ids[len(prompt) :]
        assert 0 < len(written) <= WRITTEN
    assert found.perplexity is None


def test_a_file_is_measured_in_a_process_of_its_own() -> None:
    found = measured(tiny_f32(), PROMPTS, ANSWERS)
    assert found.load_seconds > 0
    assert found.tokens_per_second > 1
    # all weights were read; besides them there are a context and what it computes in
    assert 0.5 * tiny_f32().stat().st_size < found.memory_bytes < 1e9


def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(stories_f32().read_bytes()[:5000])
    with pytest.raises(TemperError, match=r"broken\.gguf"):
        measured(broken, PROMPTS, [])


def test_what_ends_the_waiting_ends_the_process_that_measures() -> None:
    class StopNow(Exception):
        pass

    def stop() -> None:
        raise StopNow

    with pytest.raises(StopNow):
        measured(tiny_f32(), PROMPTS, ANSWERS, stop)
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not any("engine.export.rung_process" in child.cmdline() for child in alive)


def test_every_type_is_a_rung_and_the_smallest_within_tolerance_is_named(tmp_path: Path) -> None:
    files = [(stories_f32(), "f32")]
    files += [(quantise(stories_f32(), tmp_path / f"{kind}.gguf", kind), kind) for kind in ("q8_0", "q4_0")]
    checks = [GOOD, GOOD, msgspec.structs.replace(GOOD, kl_mean=DIVERGENCE + 0.3)]
    heard: list[int] = []
    ladder = climb(files, checks, PROMPTS, [], heard.append)
    assert [rung.type for rung in ladder.rungs] == ["f32", "q8_0", "q4_0"]
    assert [rung.bytes for rung in ladder.rungs] == [file.stat().st_size for file, _ in files]
    assert (ladder.rungs[0].changed, ladder.rungs[0].answers) == (0, len(PROMPTS))
    assert ladder.smallest == "q8_0"
    assert "nats" in ladder.rungs[2].why_not
    assert heard == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "perplexity", "reason"),
    [
        ({}, 3.0, ""),
        ({"verdict": "WARN"}, 3.0 * (1 + PERPLEXITY_RISE / 2), ""),
        ({"verdict": "BLOCK"}, 3.0, "blocks"),
        ({}, 3.0 * (1 + 2 * PERPLEXITY_RISE), "perplexity is 4.0% higher"),
        ({"kl_mean": 2 * DIVERGENCE}, 3.0, "nats per token"),
        ({"kl_mean": None}, 3.0, ""),
        ({"suite_low": -0.3, "suite_high": -0.1}, 3.0, "suite score is surely lower, by 10.0%"),
        ({"suite_low": -0.3, "suite_high": 0.1}, 3.0, ""),
    ],
)
def test_the_rule_says_why_a_type_is_out(changes: dict[str, Any], perplexity: float, reason: str) -> None:
    found = why_not(msgspec.structs.replace(GOOD, **changes), perplexity, 3.0)
    assert reason in found
    assert bool(found) == bool(reason)


def test_none_is_named_where_none_is_within_tolerance() -> None:
    blocked = ShipCheck("BLOCK")
    assert climb([(stories_f32(), "f32")], [blocked], PROMPTS, []).smallest == ""
