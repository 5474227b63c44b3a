"""The suite in the ship check: both models answer, the difference has an interval, a sure loss is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.reference import Reference
from engine.export.ship.suite import Marks, judge_suite, reference_answer, text_of
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode_prompt, load_tokenizer

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def reference(micro: Path) -> Reference:
    return Reference(ModelDirectory(micro))


def test_the_reference_answers_by_itself_from_the_first_difference_on(
    reference: Reference, micro: Path
) -> None:
    tokenizer = load_tokenizer(ModelDirectory(micro).tokenizer_file)
    prompt = encode_prompt(tokenizer, "Question number 3?", "")
    alone = reference.generate(prompt, 12, ())
    assert reference_answer(reference, prompt, alone, 12, ()) == alone
    turned = [*alone[:5], (alone[5] + 1) % 4096, *alone[6:]]
    assert reference_answer(reference, prompt, turned, 12, ()) == alone
    assert reference_answer(reference, prompt, turned, 12, {alone[5]}) == alone[:6]


def test_an_answer_ends_where_a_plain_template_goes_on(micro: Path) -> None:
    tokenizer = load_tokenizer(ModelDirectory(micro).tokenizer_file)
    ids = tokenizer.encode(" red ### Question").ids
    assert text_of(tokenizer, ids, " ###") == "red"
    end = tokenizer.encode("<|im_end|>").ids
    assert text_of(tokenizer, [*ids, *end], "\n") == "red ### Question"


def test_a_sure_loss_warns_and_one_beyond_the_types_limit_blocks() -> None:
    lost = Marks(both=60, reference=30, neither=10)
    low, high = lost.interval
    assert low < -0.3 < high < -0.2
    assert [level for level, _ in judge_suite("s", lost, 0.1)] == ["BLOCK"]
    assert [level for level, _ in judge_suite("s", lost, 0.5)] == ["WARN"]
    assert "scores 60.0%, the trained model 90.0%" in judge_suite("s", lost, 0.5)[0][1]


def test_a_loss_that_chance_explains_is_nothing() -> None:
    assert judge_suite("s", Marks(both=15, reference=2, neither=3), 0.0) == []
