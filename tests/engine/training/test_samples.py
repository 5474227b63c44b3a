"""Which held-out rows are shown as the easiest and the hardest, and how they are parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models.directory import ModelDirectory
from engine.models.token_texts import TokenTexts
from engine.models.tokenizer import load_tokenizer
from engine.training.samples import MOST, extremes
from store.records.batch import Samples
from store.records.outcome import RowScore
from tests.bases import ANSWERS, EXAMPLES, rows_of

pytestmark = pytest.mark.training


def found(base: Path, losses: list[float], times: int = 1) -> Samples:
    """Rows with these losses per token, at two tokens each."""
    texts = TokenTexts(load_tokenizer(ModelDirectory(base).tokenizer_file))
    rows = rows_of(base, EXAMPLES * times)[: len(losses)]
    scores = [RowScore(-2 * loss, 2, 1) for loss in losses]
    return extremes(rows, scores, texts, step=7, held_out=40)


def test_the_lowest_and_the_highest_losses_come_first(micro: Path) -> None:
    losses = [float((7 * n) % 16) for n in range(16)]
    shown = found(micro, losses, times=2)
    assert [one.loss for one in shown.best] == sorted(losses)[:MOST]
    assert [one.loss for one in shown.worst] == sorted(losses, reverse=True)[:MOST]
    assert (shown.step, shown.rows, shown.held_out) == (7, 16, 40)
    assert shown.loss == pytest.approx(sum(losses) / 16)


@pytest.mark.parametrize(("count", "best", "worst"), [(1, 1, 0), (2, 1, 1), (5, 3, 2), (8, 4, 4)])
def test_of_few_rows_none_is_both(count: int, best: int, worst: int, micro: Path) -> None:
    shown = found(micro, [float(n) for n in range(count)])
    assert (len(shown.best), len(shown.worst)) == (best, worst)
    assert not {one.line for one in shown.best} & {one.line for one in shown.worst}


def test_a_sample_is_the_question_and_the_answer_that_it_should_have_been(micro: Path) -> None:
    shown = found(micro, [0.0, 1.0])
    assert "Question number 0?" in shown.best[0].prompt
    assert ANSWERS[0] not in shown.best[0].prompt
    assert shown.best[0].answer.startswith(ANSWERS[0])
    assert (shown.best[0].line, shown.worst[0].line) == (1, 2)
