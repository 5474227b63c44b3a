"""Groups over real models: quantised ones give the scores of one at a time, whatever kernels a batch has."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from engine.export.quantise import quantise
from engine.inference.generate import Request
from engine.inference.groups import Groups
from engine.inference.llama import Context, Model
from engine.inference.pace import SAME
from engine.inference.scheduler import Scheduler
from engine.inference.sequences import Piece, Sequences
from store.records.workspace import Sampling
from tests.engine.inference.shaped import random_gguf

SIZE, MOST, NEAR_TIE = 128, 24, 1e-3


@pytest.fixture(scope="module", params=["q4_k_m", "q8_0"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """A model whose rows are long enough for K-quants."""
    folder = tmp_path_factory.mktemp(request.param)
    whole = random_gguf("llama", folder, hidden_size=256, intermediate_size=512, num_key_value_heads=4)
    quantise(whole, folder / "small.gguf", request.param)
    model = Model(folder / "small.gguf")
    yield model
    model.close()


def prompts(count: int) -> list[list[int]]:
    draw = random.Random(4)
    return [[draw.randrange(20, 4000) for _ in range(draw.randint(1, 60))] for _ in range(count)]


def test_answers_at_once_are_those_of_one_at_a_time_but_for_near_ties(model: Model) -> None:
    asked, scheduler = prompts(24), Scheduler(model, SIZE)
    endless = dict.fromkeys(model.stop_ids, -100.0)
    answers = [scheduler.submit(Request(ids, Sampling(max_tokens=MOST), bias=endless)) for ids in asked]
    while scheduler.busy:
        scheduler.step()
    scheduler.close()
    context = Context(model, SIZE)
    for ids, answer in zip(asked, answers, strict=True):
        context.clear()
        context.read(ids)
        for token in answer.ids:
            scores = context.logits.copy()
            scores[list(model.stop_ids)] -= 100.0
            if token != int(scores.argmax()):
                second, best = np.partition(scores, -2)[-2:]
                assert best - second <= NEAR_TIE
                break
            context.append(token)
    context.close()


def test_rows_of_a_step_are_those_of_each_alone_once_groups_are_learned(model: Model) -> None:
    groups, sequences = Groups(model), Sequences(model, SIZE, 16)
    context = Context(model, SIZE)
    asked = prompts(16)
    for place, ids in enumerate(asked):
        sequences.decode([Piece(place, ids)])
    for count in (16, 16, 16, 9, 5, 3, 2, 16):  # the first of each tries a group
        pieces = [Piece(place, [30 + place]) for place in range(count)]
        for place, row in groups.rows(sequences, pieces, lambda _: None):
            context.clear()
            context.read(asked[place])
            context.append(30 + place)
            assert float(np.abs(row - context.logits).max()) <= 2 * SAME
        for place in range(count):
            sequences.cut(place, len(asked[place]))
    sequences.close()
    context.close()
