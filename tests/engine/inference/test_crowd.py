"""Two hundred requests of every kind at once: all end, each as if alone, and nothing is left behind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.export.adapter_gguf import adapter_to_gguf
from engine.inference.generate import Generation, Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from engine.inference.sequences import Piece, Sequences
from engine.inference.structured.constraint import Constraint
from engine.inference.structured.structure import choice_structure, regex_structure
from engine.inference.structured.vocabulary import Vocabulary
from engine.models.directory import ModelDirectory
from store.records.workspace import Sampling
from tests.engine.export.untrained import adapter_on
from tests.ggufs import TINY

SIZE, REQUESTS, MOST_STEPS = 256, 200, 20_000
SELDOM = 2
"""Sampled answers, of some seventy, whose draw may hang on the last bits of a score."""
STRUCTURES = [regex_structure("[a-f]{3,9}"), choice_structure(["yes", "no", "maybe"])]


class Wish:
    """A request and what is to become of it: one that is cancelled is so after a few steps."""

    def __init__(self, draw: random.Random, model: Model, adapters: list[str]) -> None:
        shared = [7 + at for at in range(draw.choice((0, 0, 40, 90)))]
        self.ids = [*shared, *(draw.randrange(20, 4000) for _ in range(draw.randint(1, 100)))]
        self.sampling = Sampling(
            max_tokens=draw.randint(1, 40),
            temperature=draw.choice((0.0, 0.0, 1.0)),
            seed=draw.randrange(1000),
            repetition_penalty=draw.choice((1.0, 1.2)),
        )
        self.structure = draw.choice((None, None, None, *STRUCTURES))
        self.adapters = draw.choice(((), (), ((adapters[0], 1.0),), ((adapters[0], 0.5), (adapters[1], 1.0))))
        self.cancelled_after = draw.randint(0, 12) if draw.random() < 0.25 else None
        self._model = model

    def request(self) -> Request:
        """Anew each time: a constraint remembers what was written."""
        constraint: Constraint | None = None
        if self.structure is not None:
            constraint = self.structure.grammar(Vocabulary.of(self._model)).start()
        return Request(self.ids, self.sampling, constraint=constraint, adapters=self.adapters)


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, files = tmp_path_factory.mktemp("adapters"), []
    for seed in (1, 2):
        made = adapter_on(TINY, folder / f"a{seed}", seed=seed)
        files.append(str(adapter_to_gguf(ModelDirectory(TINY), made, folder / f"a{seed}.gguf")))
    return files


def crowd(scheduler: Scheduler, wishes: list[Wish], draw: random.Random) -> list[Generation]:
    """The answers, submitted a few at a time between steps."""
    answers: list[Generation] = []
    cancels: dict[int, int] = {}
    for step in range(MOST_STEPS):
        while len(answers) < len(wishes) and draw.random() < 0.6:
            wish = wishes[len(answers)]
            if wish.cancelled_after is not None:
                cancels[len(answers)] = step + wish.cancelled_after
            answers.append(scheduler.submit(wish.request()))
        for place in [place for place, when in cancels.items() if when <= step]:
            answers[place].cancel()
            del cancels[place]
        if not scheduler.busy and len(answers) == len(wishes):
            return answers
        scheduler.step()
    raise AssertionError("the answers do not come to an end")


@pytest.mark.training
@pytest.mark.parametrize("parallel", [1, pytest.param(5, marks=pytest.mark.slow), 16])
def test_each_answer_of_a_crowd_is_as_if_alone(tiny: Model, adapters: list[str], parallel: int) -> None:
    draw = random.Random(parallel)
    wishes = [Wish(draw, tiny, adapters) for _ in range(REQUESTS if parallel > 1 else 40)]
    scheduler = Scheduler(tiny, SIZE, parallel=parallel)
    answers = crowd(scheduler, wishes, draw)
    assert scheduler.step() == []
    assert scheduler.waiting == 0
    reasons = Counter(answer.finish_reason for answer in answers)
    assert set(reasons) <= {"stop", "length", "stopped"}
    assert reasons["stopped"] > 5
    drawn_otherwise = []
    for wish, answer in zip(wishes, answers, strict=True):
        lone = scheduler.submit(wish.request())
        scheduler.finish(lone)
        alike = answer.ids == lone.ids[: len(answer.ids)]
        if answer.finish_reason != "stopped":
            alike = (answer.ids, answer.finish_reason) == (lone.ids, lone.finish_reason)
        if wish.sampling.temperature == 0:
            assert alike
        elif not alike:
            drawn_otherwise.append(answer.ids)
    scheduler.close()
    # A draw can fall between two tokens whose border a batch moves by the last bits of a float: so in 8 of
    # 2,700 sampled answers (docs/decisions/0017), and which ones they are hangs on the processor.
    assert len(drawn_otherwise) <= SELDOM


@pytest.fixture
def one_at_a_time(tiny: Model) -> Iterator[Scheduler]:
    scheduler = Scheduler(tiny, SIZE, parallel=1)
    yield scheduler
    scheduler.close()


def test_a_cancelled_answer_gives_its_place_to_the_next_in_the_same_step(one_at_a_time: Scheduler) -> None:
    endless = dict.fromkeys(one_at_a_time.model.stop_ids, -100.0)
    first, second = [
        one_at_a_time.submit(Request([20, 30, 40 + at], Sampling(max_tokens=100), bias=endless))
        for at in range(2)
    ]
    for _ in range(5):
        one_at_a_time.step()
    assert (len(second.ids), one_at_a_time.waiting) == (0, 1)
    first.cancel()
    one_at_a_time.step()
    assert (first.finish_reason, len(second.ids), one_at_a_time.waiting) == ("stopped", 1, 0)


def test_the_tokens_that_prompts_share_are_decoded_once(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    decode = Sequences.decode

    def counting(self: Sequences, pieces: list[Piece]) -> None:
        decoded.extend(len(piece.ids) for piece in pieces)
        decode(self, pieces)

    monkeypatch.setattr(Sequences, "decode", counting)
    scheduler = Scheduler(tiny, SIZE)
    shared = list(range(100, 220))
    answers = [
        scheduler.submit(Request([*shared, 300 + at, 400 + at], Sampling(max_tokens=1))) for at in range(12)
    ]
    while scheduler.busy:
        scheduler.step()
    scheduler.close()
    assert all(answer.ids for answer in answers if answer.finish_reason == "length")
    assert sum(decoded) == len(shared) + 12 * 2


def test_a_scheduler_leaves_no_file_open(tiny: Model) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        scheduler = Scheduler(tiny, SIZE)
        scheduler.finish(scheduler.submit(Request([20, 30], Sampling(max_tokens=3))))
        scheduler.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
