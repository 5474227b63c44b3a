"""Continuations: their log-probabilities are those of reading each alone, token by token."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from engine.inference.choices import ChoiceScorer, Question
from engine.inference.llama import Context, Model
from engine.inference.sampler import log_softmax
from store.errors import UsageError


@pytest.fixture
def scorer(tiny: Model) -> Iterator[ChoiceScorer]:
    scorer = ChoiceScorer(tiny, 256, parallel=4)
    yield scorer
    scorer.close()


def one_by_one(context: Context, prompt: Sequence[int], continuation: Sequence[int]) -> list[float]:
    """The log-probability of each token, the plain way."""
    found = []
    for at, token in enumerate(continuation):
        context.clear()
        context.read([*prompt, *continuation[:at]])
        found.append(float(log_softmax(context.logits)[token]))
    return found


def questions(count: int, shared: int) -> list[Question]:
    """Questions that begin with `shared` tokens in common, with continuations of 1 to 4 tokens."""
    draw = random.Random(count)

    def ids(length: int) -> list[int]:
        return [draw.randrange(5, 4000) for _ in range(length)]

    begin = ids(shared)
    return [
        Question([*begin, *ids(draw.randint(2, 30))], [ids(draw.randint(1, 4)) for _ in range(4)])
        for _ in range(count)
    ]


@pytest.mark.parametrize("shared", [0, 60])
def test_every_continuation_has_the_figures_of_reading_it_alone(
    scorer: ChoiceScorer, tiny: Model, shared: int
) -> None:
    asked = questions(11, shared)
    context = Context(tiny, 256)
    for question, found in zip(asked, scorer.scores(asked), strict=True):
        for continuation, scores in zip(question.continuations, found, strict=True):
            expected = one_by_one(context, question.prompt, continuation)
            assert scores.tolist() == pytest.approx(expected, abs=1e-3)
    context.close()


def test_the_same_question_again_has_the_same_figures(scorer: ChoiceScorer) -> None:
    asked = questions(3, 40)
    first, again = list(scorer.scores(asked)), list(scorer.scores(asked[::-1]))[::-1]
    for one, two in zip(first, again, strict=True):
        assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(one, two, strict=True))


def test_more_answers_than_one_step_can_have(scorer: ChoiceScorer, tiny: Model) -> None:
    question = Question([9] * 10, [[n, 20, 21, 22] for n in range(30, 60)])
    context = Context(tiny, 256)
    found = next(scorer.scores([question]))
    for continuation, scores in zip(question.continuations, found, strict=True):
        assert scores.tolist() == pytest.approx(one_by_one(context, question.prompt, continuation), abs=1e-3)
    context.close()


def test_a_question_that_does_not_fit_is_refused_with_both_numbers(scorer: ChoiceScorer) -> None:
    with pytest.raises(UsageError, match=r"299 tokens.*256"):
        list(scorer.scores([Question([5] * 290, [[6] * 10])]))
