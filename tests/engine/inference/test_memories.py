"""Models whose memory is not a plain one: windows of attention, recurrent states, both. Never silently wrong.

What cannot be cut or copied is read again; that answers are those of a fresh context shows it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from engine.inference.choices import ChoiceScorer, Question
from engine.inference.generate import Generation, Request
from engine.inference.llama import Context, Model
from engine.inference.sampler import log_softmax
from engine.inference.scheduler import Scheduler
from store.records.workspace import Sampling
from tests.engine.inference.shaped import random_gguf

SIZE, MOST, BAN = 512, 40, 100.0
KINDS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "head_dim": 16,
        "sliding_window": 16,  # far shorter than the prompts
        "query_pre_attn_scalar": 16,
        "num_hidden_layers": 7,  # the sixth looks over all
    },
    "mamba": {"state_size": 8},
    "mamba2": {"head_dim": 16, "num_heads": 8, "state_size": 16, "n_groups": 1},
    "lfm2": {
        "block_auto_adjust_ff_dim": False,
        "layer_types": ["conv", "full_attention"],
        "conv_L_cache": 3,
    },
    "falcon_h1": {
        "mamba_d_ssm": 128,
        "mamba_n_heads": 8,
        "mamba_d_head": 16,
        "mamba_d_state": 16,
        "mamba_n_groups": 1,
        "head_dim": 16,
    },
}
QUICK = ("gemma3_text", "mamba", "lfm2")


@pytest.fixture(
    scope="module",
    params=[kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS],
)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    kind = request.param
    model = Model(random_gguf(kind, tmp_path_factory.mktemp(kind), **KINDS[kind]))
    yield model
    model.close()


def alone(model: Model, ids: list[int], most: int) -> list[int]:
    """Greedy ids by a fresh context; ends are banned, as in the requests."""
    context, written = Context(model, SIZE), list[int]()
    context.read(ids)
    for _ in range(most):
        scores = context.logits.copy()
        scores[list(model.stop_ids)] -= BAN
        written.append(int(scores.argmax()))
        context.append(written[-1])
    context.close()
    return written


def together(
    scheduler: Scheduler, prompts: list[list[int]], cancelled: tuple[int, ...] = ()
) -> list[Generation]:
    """Answers to all, computed at once; some are cancelled on the way."""
    endless = dict.fromkeys(scheduler.model.stop_ids, -BAN)
    answers = [scheduler.submit(Request(ids, Sampling(max_tokens=MOST), bias=endless)) for ids in prompts]
    for _ in range(MOST // 2):
        scheduler.step()
    for place in cancelled:
        answers[place].cancel()
    while scheduler.busy:
        scheduler.step()
    return answers


def test_answers_and_what_follows_them_are_those_of_a_fresh_context(model: Model) -> None:
    draw = random.Random(1)

    def ids(least: int, most: int) -> list[int]:
        return [draw.randrange(20, 4000) for _ in range(draw.randint(least, most))]

    shared = ids(60, 60)
    prompts = [*([*shared, *ids(1, 30)] for _ in range(6)), *(ids(1, 90) for _ in range(6))]
    scheduler = Scheduler(model, SIZE)
    answers = together(scheduler, prompts, cancelled=(2, 8))
    for prompt, answer in zip(prompts, answers, strict=True):
        assert answer.ids == alone(model, prompt, MOST)[: len(answer.ids)]
    longer = [[*prompt, *answer.ids, *ids(5, 5)] for prompt, answer in zip(prompts, answers, strict=True)]
    for prompt, answer in zip(longer, together(scheduler, longer), strict=True):
        assert answer.ids == alone(model, prompt, MOST)
    scheduler.close()


def test_continuations_have_the_figures_of_a_fresh_context(model: Model) -> None:
    draw = random.Random(2)
    shared = [draw.randrange(20, 4000) for _ in range(50)]
    asked = [Question([*shared, 100 + at, 7, 8], [[at + 30], [at + 40, 41, 42], [9, 9]]) for at in range(5)]
    scorer, context = ChoiceScorer(model, SIZE, parallel=3), Context(model, SIZE)
    for question, found in zip(asked, scorer.scores(asked), strict=True):
        for continuation, scores in zip(question.continuations, found, strict=True):
            expected = []
            for at, token in enumerate(continuation):
                context.clear()
                context.read([*question.prompt, *continuation[:at]])
                expected.append(float(log_softmax(context.logits)[token]))
            assert scores.tolist() == pytest.approx(expected, abs=1e-3)
    context.close()
    scorer.close()
