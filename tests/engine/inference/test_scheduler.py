"""Many answers at once: each as if alone, whatever is computed beside it, and none waits for ever."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.export.adapter_gguf import adapter_to_gguf
from engine.export.quantise import quantise
from engine.inference.generate import Generation, Request
from engine.inference.llama import Context, Model
from engine.inference.scheduler import Scheduler
from engine.models.directory import ModelDirectory
from store.errors import TemperError, UsageError
from store.records.workspace import Sampling
from tests.engine.export.untrained import adapter_on
from tests.ggufs import TINY, stories_f32

WORDS = "the dog ran to a big tree and saw little Lily play with her red ball in the park".split()  # noqa: SIM905
NEAR_TIE = 1e-3


def prompts(model: Model, count: int, *, seed: int = 0) -> list[list[int]]:
    """Prompts of 1 to 40 words."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 40))) for _ in range(count)]
    return [model.encode_prompt(text) for text in texts]


def together(scheduler: Scheduler, requests: Sequence[Request]) -> list[Generation]:
    """All answers, computed as the scheduler likes."""
    generations = [scheduler.submit(request) for request in requests]
    while scheduler.busy:
        scheduler.step()
    return generations


def alone(model: Model, ids: Sequence[int], most: int) -> list[int]:
    """Greedy ids, one token at a time with nothing else in the context."""
    context = Context(model, 512)
    written: list[int] = []
    try:
        context.read(ids)
        while len(written) < most:
            token = int(context.logits.argmax())
            if token in model.stop_ids:
                break
            written.append(token)
            context.append(token)
        return written
    finally:
        context.close()


@pytest.fixture
def scheduler(stories: Model) -> Iterator[Scheduler]:
    scheduler = Scheduler(stories, 512)
    yield scheduler
    scheduler.close()


@pytest.fixture(scope="module")
def stories_q8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    out = tmp_path_factory.mktemp("q8") / "stories.gguf"
    quantise(stories_f32(), out, "q8_0")
    model = Model(out)
    yield model
    model.close()


def test_greedy_answers_are_those_of_one_at_a_time_on_an_f32_model(
    scheduler: Scheduler, stories: Model
) -> None:
    asked = prompts(stories, 40)
    answers = together(scheduler, [Request(ids, Sampling(max_tokens=48)) for ids in asked])
    assert [answer.ids for answer in answers] == [alone(stories, ids, 48) for ids in asked]


def test_greedy_answers_differ_on_a_quantised_model_only_at_near_ties(stories_q8: Model) -> None:
    asked = prompts(stories_q8, 60, seed=1)
    scheduler = Scheduler(stories_q8, 512)
    answers = together(scheduler, [Request(ids, Sampling(max_tokens=32)) for ids in asked])
    scheduler.close()
    context, differing = Context(stories_q8, 512), []
    for ids, answer in zip(asked, answers, strict=True):
        expected = alone(stories_q8, ids, 32)
        if answer.ids == expected:
            continue
        same = next(at for at, (a, b) in enumerate(zip(answer.ids, expected, strict=False)) if a != b)
        context.read([*ids, *expected[:same]])
        best = np.partition(context.logits, -2)[-2:]
        differing.append(float(best[1] - best[0]))
    context.close()
    assert all(gap <= NEAR_TIE for gap in differing)
    assert len(differing) <= 0.01 * len(asked)


def test_a_sampled_answer_does_not_depend_on_the_others(scheduler: Scheduler, stories: Model) -> None:
    requests = [
        Request(ids, Sampling(temperature=0.9, top_p=0.95, top_k=40, min_p=0.02, max_tokens=24, seed=seed))
        for seed, ids in enumerate(prompts(stories, 12))
    ]
    at_once = [answer.ids for answer in together(scheduler, requests)]
    one_by_one = [together(scheduler, [request])[0].ids for request in reversed(requests)]
    assert at_once == one_by_one[::-1]


def test_a_prefix_that_all_share_is_read_once(scheduler: Scheduler, stories: Model) -> None:
    shared = stories.encode_prompt(" ".join(WORDS * 8))
    asked = [[*shared, *ids[1:]] for ids in prompts(stories, 8)]
    answers = together(scheduler, [Request(ids, Sampling(max_tokens=8)) for ids in asked])
    assert [answer.reused_tokens >= len(shared) for answer in answers] == [False] + [True] * 7
    assert [answer.ids for answer in answers] == [alone(stories, ids, 8) for ids in asked]


def test_a_conversation_that_goes_on_reads_only_what_is_new(scheduler: Scheduler, stories: Model) -> None:
    first = prompts(stories, 1)[0]
    answer = together(scheduler, [Request(first, Sampling(max_tokens=10))])[0]
    longer = [*first, *answer.ids, *stories.tokenise(" and then")]
    again = together(scheduler, [Request(longer, Sampling(max_tokens=10))])[0]
    assert again.reused_tokens >= len(first) + len(answer.ids) - 2
    assert again.ids == alone(stories, longer, 10)


def test_more_answers_than_fit_at_once_are_all_given(stories: Model) -> None:
    scheduler = Scheduler(stories, 128, parallel=3)
    asked = prompts(stories, 20, seed=2)
    answers = together(scheduler, [Request(ids[:60], Sampling(max_tokens=30)) for ids in asked])
    scheduler.close()
    assert [answer.ids for answer in answers] == [alone(stories, ids[:60], 30) for ids in asked]


def test_a_prompt_longer_than_a_step_is_read_in_parts_beside_others(tiny: Model) -> None:
    wide = Scheduler(tiny, 2000)
    long = wide.submit(Request([*range(10, 110)] * 15, Sampling(max_tokens=2)))
    short = wide.submit(Request(tiny.encode_prompt("Hello"), Sampling(max_tokens=20)))
    wide.step()
    wide.step()
    assert not long.ids
    assert short.ids
    wide.finish(long)
    wide.close()
    assert len(long.ids) == 2


def test_an_answer_that_is_cancelled_ends_and_the_others_go_on(scheduler: Scheduler, stories: Model) -> None:
    asked = prompts(stories, 3)
    answers = [scheduler.submit(Request(ids, Sampling(max_tokens=30))) for ids in asked]
    for _ in range(5):
        scheduler.step()
    answers[1].cancel()
    while scheduler.busy:
        scheduler.step()
    assert answers[1].finish_reason == "stopped"
    assert 0 < answers[1].completion_tokens < 30
    assert [answers[at].ids for at in (0, 2)] == [alone(stories, asked[at], 30) for at in (0, 2)]


def test_an_answer_that_waits_can_be_cancelled(stories: Model) -> None:
    scheduler = Scheduler(stories, 128, parallel=1)
    asked = prompts(stories, 2)
    first, second = [scheduler.submit(Request(ids[:50], Sampling(max_tokens=4))) for ids in asked]
    second.cancel()
    scheduler.finish(first)
    scheduler.close()
    assert (second.finish_reason, second.ids) == ("stopped", [])


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, files = tmp_path_factory.mktemp("adapters"), []
    for seed in (1, 2):
        made = adapter_on(TINY, folder / f"a{seed}", seed=seed)
        files.append(str(adapter_to_gguf(ModelDirectory(TINY), made, folder / f"a{seed}.gguf")))
    return files


@pytest.mark.training
def test_interleaved_answers_with_two_adapters_and_none_are_those_of_each_alone(
    tiny: Model, adapters: list[str]
) -> None:
    one, two = adapters
    sets = [((one, 1.0),), (), ((two, 1.0),), ((one, 0.5),), ((one, 0.5), (two, 0.5))]
    asked = [tiny.encode_prompt(text) for text in ("Hello", "I lost my phone", "The wallet", "What now")]
    requests = [
        Request(ids, Sampling(max_tokens=20), adapters=adapter_set) for ids in asked for adapter_set in sets
    ]
    scheduler = Scheduler(tiny, 256)
    mixed = [answer.ids for answer in together(scheduler, requests)]
    again = [answer.ids for answer in together(scheduler, requests)]  # with what is kept of the first time
    scheduler.close()
    separate: list[list[int]] = []
    for request in requests:
        fresh = Scheduler(tiny, 256)
        separate.append(together(fresh, [request])[0].ids)
        fresh.close()
    assert mixed == again == separate
    assert len({tuple(ids) for ids in separate[: len(sets)]}) == len(sets)  # the adapters do something


@pytest.mark.training
def test_adapter_sets_take_turns(tiny: Model, adapters: list[str]) -> None:
    scheduler = Scheduler(tiny, 500)
    ids = tiny.encode_prompt("Hello")
    # No token ends these: every end is made unlikely.
    bias = dict.fromkeys(tiny.stop_ids, -100.0)
    sets = [(), ((adapters[0], 1.0),), ((adapters[1], 1.0),)]
    answers = [
        scheduler.submit(Request(ids, Sampling(max_tokens=200), adapters=one, bias=bias)) for one in sets
    ]
    turn = 16  # a wait that nobody who reads along minds
    for _ in range(6 * turn):
        scheduler.step()
    written = [answer.completion_tokens for answer in answers]
    scheduler.close()
    assert max(written) - min(written) <= turn


def test_an_adapter_that_is_none_is_refused_before_anything_is_computed(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="not a GGUF"):
        scheduler.submit(Request([5], Sampling(), adapters=((str(path), 1.0),)))
    assert not scheduler.busy


class Only:
    """Allows given tokens, in any order, until there are `most`; counts its masks."""

    def __init__(self, allowed: Sequence[int], size: int, most: int) -> None:
        self.allowed, self.size, self.most = set(allowed), size, most
        self.taken: list[int] = []
        self.masks = 0

    def allows(self, token: int) -> bool:
        """One of the given."""
        return token in self.allowed

    def spelling(self, token: int) -> bytes:
        """Tokens are what the model says."""
        return b""

    def mask(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """The given."""
        self.masks += 1
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[list(self.allowed)] = True
        return mask

    def advance(self, token: int) -> None:
        """Remember it."""
        self.taken.append(token)

    def is_accepting(self) -> bool:
        """Only at the end."""
        return self.is_finished()

    def is_finished(self) -> bool:
        """When there are enough."""
        return len(self.taken) >= self.most


def test_a_constraint_masks_only_where_the_first_choice_is_not_allowed(
    scheduler: Scheduler, stories: Model
) -> None:
    ids = prompts(stories, 1)[0]
    free = alone(stories, ids, 12)
    allowing = Only(range(stories.vocabulary_size), stories.vocabulary_size, 12)
    answer = together(scheduler, [Request(ids, Sampling(max_tokens=40), constraint=allowing)])[0]
    assert (answer.ids, allowing.masks, answer.finish_reason) == (free, 0, "stop")
    rest = sorted(set(range(300)) - set(free))
    refusing = Only(rest, stories.vocabulary_size, 12)
    answer = together(scheduler, [Request(ids, Sampling(max_tokens=40), constraint=refusing)])[0]
    assert set(answer.ids) <= set(rest)
    assert (answer.ids, refusing.taken) == (refusing.taken, answer.ids)
    assert refusing.masks > 0


def test_a_constrained_answer_that_is_cut_says_so(scheduler: Scheduler, stories: Model) -> None:
    constraint = Only(range(stories.vocabulary_size), stories.vocabulary_size, 12)
    request = Request(prompts(stories, 1)[0], Sampling(max_tokens=5), constraint=constraint)
    assert together(scheduler, [request])[0].finish_reason == "length"


def test_a_constraint_that_allows_nothing_fails_its_answer_alone(
    scheduler: Scheduler, stories: Model
) -> None:
    asked = prompts(stories, 2)
    dead, fine = together(
        scheduler,
        [
            Request(asked[0], Sampling(max_tokens=5), constraint=Only([], stories.vocabulary_size, 3)),
            Request(asked[1], Sampling(max_tokens=5)),
        ],
    )
    assert (dead.finish_reason, fine.ids) == ("error", alone(stories, asked[1], 5))
    with pytest.raises(TemperError, match="allows no token"):
        scheduler.finish(dead)


def test_log_probabilities_are_the_models_own_whatever_the_sampling(
    scheduler: Scheduler, stories: Model
) -> None:
    ids = prompts(stories, 1)[0]
    sampling = Sampling(max_tokens=6, repetition_penalty=1.3, presence_penalty=0.5)
    answer = together(scheduler, [Request(ids, sampling, logprobs=3)])[0]
    context = Context(stories, 512)
    context.read(ids)
    for token, score in zip(answer.ids, answer.scores, strict=True):
        logits = context.logits.astype(np.float64)
        expected = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        best = np.argsort(-expected, kind="stable")[:3]
        assert (score.token, [one for one, _ in score.top]) == (token, best.tolist())
        assert score.logprob == pytest.approx(expected[token], abs=1e-4)
        assert [value for _, value in score.top] == pytest.approx(expected[best], abs=1e-4)
        context.append(token)
    context.close()
