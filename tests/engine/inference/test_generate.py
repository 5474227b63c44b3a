"""One answer: the same text as other implementations, whole characters only, an end for a stated reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.inference.generate import Generation, Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from engine.inference.text import TextTail
from store.errors import UsageError
from store.records.workspace import Sampling
from tests.ggufs import TINY, stories_f32
from tests.ggufs import stories as stories_directory

PROMPTS = ["Once upon a time", "The dog and the cat", "Lily wanted a"]
GREEDY = Sampling(max_tokens=64)


@pytest.fixture
def story(stories: Model) -> Iterator[Scheduler]:
    scheduler = Scheduler(stories, 512)
    yield scheduler
    scheduler.close()


def write(
    scheduler: Scheduler, prompt: str, sampling: Sampling = GREEDY, **options: Any
) -> tuple[str, Generation]:
    """The text that follows `prompt`, and how it went."""
    ids = scheduler.model.encode_prompt(prompt)
    generation = scheduler.submit(Request(ids, sampling, **options))
    return scheduler.finish(generation), generation


def test_greedy_text_is_what_llama_cpp_python_completes(story: Scheduler) -> None:
    from llama_cpp import Llama

    stock = Llama(
        str(stories_f32()), n_ctx=512, n_threads=1, n_threads_batch=1, verbose=False, logits_all=False
    )
    try:
        for prompt in PROMPTS:
            expected = stock.create_completion(prompt, max_tokens=64, temperature=0)
            assert isinstance(expected, dict)
            assert write(story, prompt)[0] == expected["choices"][0]["text"]
    finally:
        stock.close()


@pytest.mark.parametrize("name", ["tiny", "stories"])
def test_greedy_tokens_are_those_of_transformers(name: str, request: pytest.FixtureRequest) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)  # threads that wait for each other cost more than such small models
    model = request.getfixturevalue(name)
    directory = TINY if name == "tiny" else stories_directory()
    reference = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    scheduler = Scheduler(model, 256)
    try:
        for prompt in PROMPTS:
            generation = write(scheduler, prompt, Sampling(max_tokens=32))[1]
            ids = list(model.encode_prompt(prompt))
            expected: list[int] = []
            with torch.no_grad():
                while len(expected) < 32:
                    token = int(reference(torch.tensor([ids])).logits[0, -1].argmax())
                    if token in model.stop_ids:
                        break
                    expected.append(token)
                    ids.append(token)
            assert generation.ids == expected
    finally:
        scheduler.close()


def test_a_second_answer_reuses_the_prompt_and_is_the_same(story: Scheduler) -> None:
    prompt = " ".join(PROMPTS * 4)
    first = write(story, prompt)
    again = write(story, prompt)
    assert again[0] == first[0]
    assert (first[1].reused_tokens, again[1].reused_tokens) == (0, first[1].prompt_tokens - 2)


def test_a_seed_fixes_a_sampled_text(story: Scheduler) -> None:
    def sampled(seed: int) -> str:
        return write(story, PROMPTS[0], Sampling(temperature=1.0, top_p=0.95, max_tokens=40, seed=seed))[0]

    assert sampled(7) == sampled(7)
    assert len({sampled(seed) for seed in range(4)}) > 1


def test_top_k_of_one_is_greedy_at_any_temperature(story: Scheduler) -> None:
    sampling = Sampling(temperature=2.0, top_k=1, max_tokens=40, seed=1)
    assert write(story, PROMPTS[0], sampling)[0] == write(story, PROMPTS[0], Sampling(max_tokens=40))[0]


def test_max_tokens_ends_an_answer(story: Scheduler) -> None:
    _, generation = write(story, PROMPTS[0], Sampling(max_tokens=5))
    assert (generation.completion_tokens, generation.finish_reason) == (5, "length")
    assert not generation.overflow


def test_a_full_context_ends_an_answer(stories: Model) -> None:
    scheduler = Scheduler(stories, 16)
    try:
        _, generation = write(scheduler, PROMPTS[0], Sampling(max_tokens=100))
        assert (generation.finish_reason, generation.overflow) == ("length", True)
        assert generation.prompt_tokens + generation.completion_tokens == 16
    finally:
        scheduler.close()


def test_a_stop_string_ends_an_answer_before_itself(story: Scheduler) -> None:
    whole, _ = write(story, PROMPTS[0])
    stop = whole[20:26]
    text, generation = write(story, PROMPTS[0], stops=[stop])
    assert (text, generation.finish_reason) == (whole[: whole.find(stop)], "stop")


def test_whoever_asked_can_stop_between_tokens(story: Scheduler) -> None:
    asked = iter([False, False, False])
    _, generation = write(story, PROMPTS[0], stopped=lambda: next(asked, True))
    assert (generation.completion_tokens, generation.finish_reason) == (3, "stopped")


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers(story: Scheduler) -> None:
    with pytest.raises(UsageError, match=r"600 tokens.*512"):
        story.submit(Request([5] * 600, GREEDY))


def scripted(pieces: Sequence[bytes]) -> list[str]:
    """What is shown of an answer whose tokens are these pieces, token by token."""
    end = len(pieces)
    model = SimpleNamespace(piece=pieces.__getitem__, stop_ids={end})
    generation = Generation(Request([1], Sampling(max_tokens=10_000)), cast(Model, model), 20_000)
    shown = []
    for token in range(end + 1):
        generation.write(np.eye(1, end + 1, token, dtype=np.float32)[0])
        shown.append(generation.take())
    return shown


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")), st.lists(st.integers(0))
)
def test_characters_come_whole_however_tokens_cut_them(text: str, cuts: list[int]) -> None:
    shown = scripted(split(text.encode(), cuts))
    assert "".join(shown) == text
    assert not any("\ufffd" in piece for piece in shown)


@given(st.binary(), st.lists(st.integers(0)))
def test_bytes_that_are_no_text_become_replacement_characters(data: bytes, cuts: list[int]) -> None:
    assert "".join(scripted(split(data, cuts))) == data.decode("utf-8", errors="replace")


@given(
    st.lists(st.text("ab\n", max_size=3), max_size=20),
    st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_text_is_cut_at_the_first_stop_string_however_it_comes(pieces: list[str], stops: list[str]) -> None:
    tail = TextTail(stops)
    shown = ""
    for piece in pieces:
        shown += tail.feed(piece)
        if tail.stopped:
            break
    shown += tail.finish()
    # Of two stop strings the one that is complete first ends the text; where they end together, the longer.
    text = "".join(pieces)
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    assert tail.stopped == bool(found)
    assert text.startswith(shown)
    assert not any(stop in shown for stop in stops)
    if not found:
        assert shown == text


def test_the_templates_own_end_is_dropped_only_at_the_end() -> None:
    tail = TextTail(trailing="\n")
    shown = [tail.feed(piece) for piece in ["a", "\n", "b", "\n"]]
    assert ("".join(shown), tail.finish()) == ("a\nb", "")
