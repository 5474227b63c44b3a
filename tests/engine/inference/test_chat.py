"""A variant's whole answer: the prompt that training rendered, passages, citations, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from engine.data.rendering import Renderer
from engine.inference import chat, generate
from engine.inference.answers import Ask
from engine.inference.chat import Composition
from engine.models.directory import ModelDirectory
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.knowledge import Hit, SearchResult
from store.records.workspace import ResolvedVariant, Sampling
from tests.ggufs import TINY, stories_f32, tiny_f32
from tests.ggufs import stories as stories_directory

SYSTEM = "You help owners of a wallet."
PLAIN = "Task: {prompt}\nAnswer: {completion}\n###"
FEW = Sampling(max_tokens=8)

CONVERSATION = [
    Message("user", "I lost my phone — what now?"),
    Message("assistant", "Freeze the wallet."),
    Message("user", "  And then?\n"),
]


class Shelf:
    """Finds the passages it was given, always."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.hits = [Hit(f"d{n}.md", 0, len(text), 1.0 / n, text) for n, text in enumerate(texts, 1)]
        self.asked: list[tuple[str, int]] = []
        self.closed = False

    def search(self, query: str, top_k: int) -> SearchResult:
        """The first `top_k`."""
        self.asked.append((query, top_k))
        return SearchResult("docs", 1, self.hits[:top_k])

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def variant(gguf: Path, **values: object) -> ResolvedVariant:
    plain = ResolvedVariant("v", str(gguf), sampling=FEW)
    return msgspec.structs.replace(plain, **values)


Compose = Callable[..., Composition]


@pytest.fixture
def compose() -> Iterator[Compose]:
    made: list[Composition] = []

    def make(gguf: Path, shelf: Shelf | None = None, **values: object) -> Composition:
        made.append(Composition(variant(gguf, **values), shelf))
        return made[-1]

    yield make
    for composition in made:
        composition.close()


@pytest.mark.parametrize("system", ["", SYSTEM])
@pytest.mark.parametrize("turns", [1, 3])
def test_what_is_asked_is_what_was_trained(compose: Compose, system: str, turns: int) -> None:
    messages = CONVERSATION[-turns:]
    row = Renderer(ModelDirectory(TINY), "", system).row(
        Example("r", 1, [*messages, Message("assistant", "Move it.")]), max_length=1000
    )
    ids = compose(tiny_f32(), system=system).prompt(messages).ids
    assert row.input_ids[: len(ids)] == ids
    assert row.labels[len(ids) - 1] == -100
    assert row.labels[len(ids)] != -100


@pytest.mark.parametrize("template", ["{prompt}\n{completion}", PLAIN])
def test_a_plain_template_asks_what_was_trained_too(compose: Compose, template: str) -> None:
    messages = [Message("user", "Tell of a dog.")]
    row = Renderer(ModelDirectory(stories_directory()), template, "").row(
        Example("r", 1, [*messages, Message("assistant", "Once")]), max_length=500
    )
    ids = compose(stories_f32(), template=template).prompt(messages).ids
    assert row.input_ids[: len(ids)] == ids
    assert row.labels[len(ids)] != -100


def test_a_conversations_own_system_prompt_wins(compose: Compose) -> None:
    composition = compose(tiny_f32(), system=SYSTEM)
    own = [Message("system", "Be brief."), Message("user", "Hello")]
    assert SYSTEM not in composition.prompt_text(own)
    assert SYSTEM in composition.prompt_text(own[1:])


def test_a_question_can_bring_another_system_prompt(compose: Compose) -> None:
    text = compose(tiny_f32(), system=SYSTEM).prompt_text([Message("user", "Hello")], "Be brief.")
    assert "Be brief." in text
    assert SYSTEM not in text


def test_passages_are_searched_with_the_last_question_and_stand_in_the_prompt(compose: Compose) -> None:
    shelf = Shelf(["Freeze it from another device.", "Twelve words restore it.", "Unused."])
    composition = compose(tiny_f32(), shelf, top_k=2)
    answer = composition.answer(CONVERSATION)
    assert shelf.asked == [("  And then?\n", 2)]
    assert [hit.doc for hit in answer.hits] == ["d1.md", "d2.md"]
    text = composition.prompt_text(CONVERSATION)
    assert answer.prompt_tokens > len(composition.model.encode_prompt(text))


def test_without_retrieval_nothing_is_searched(compose: Compose) -> None:
    shelf = Shelf(["Freeze it."])
    answer = compose(tiny_f32(), shelf).answer(CONVERSATION, retrieval=False)
    assert (shelf.asked, answer.hits, answer.citations) == ([], [], [])


def test_passages_that_do_not_fit_are_left_out_from_the_last_and_it_says_so(compose: Compose) -> None:
    shelf = Shelf(["wallet " * 30, "phone " * 30, "device " * 2000])
    composition = compose(tiny_f32(), shelf)
    answer = composition.answer([Message("user", "Hello")])
    assert [hit.doc for hit in answer.hits] == ["d1.md", "d2.md"]
    size = composition.scheduler.size
    assert answer.notices == [f"1 of 3 passages were left out: the model reads {size:,} tokens."]
    assert answer.completion_tokens + answer.prompt_tokens <= size


def test_a_conversation_longer_than_the_context_is_refused_with_both_numbers(compose: Compose) -> None:
    composition = compose(tiny_f32(), Shelf(["Freeze it."]))
    with pytest.raises(UsageError, match=rf"[\d,]+ tokens.*{composition.scheduler.size:,}"):
        composition.answer([Message("user", "wallet " * 2000)])
    assert composition.answer([Message("user", "Hello")]).completion_tokens > 0


def test_a_stream_is_the_answer_in_pieces(compose: Compose) -> None:
    composition = compose(stories_f32(), template="{prompt}{completion}", sampling=Sampling(max_tokens=40))
    messages = [Message("user", "Once upon a time")]
    whole = composition.answer(messages)
    *pieces, last = composition.stream(messages)
    assert "".join(piece.text for piece in pieces) == whole.text == last.answer
    assert len(pieces) > 10
    assert all(piece.finish_reason is None for piece in pieces)
    assert (last.finish_reason, last.completion_tokens) == ("length", 40)
    assert last.timings is not None
    assert 0 < last.timings.first_token_ms <= last.timings.total_ms


def test_many_conversations_are_answered_each_as_if_alone(compose: Compose) -> None:
    composition = compose(stories_f32(), template="{prompt}{completion}", sampling=Sampling(max_tokens=20))
    conversations = [[Message("user", text)] for text in ("Once upon a time", "The dog", "Lily wanted a")]
    answers = dict(composition.answer_many(conversations))
    assert [answers[index].text for index in range(3)] == [composition.answer(c).text for c in conversations]


def test_of_many_conversations_one_can_have_settings_of_its_own(compose: Compose) -> None:
    composition = compose(stories_f32(), template="{prompt}{completion}", sampling=Sampling(max_tokens=20))
    messages = [Message("user", "Once upon a time")]
    answers = dict(composition.answer_many([messages, Ask(messages, sampling=Sampling(max_tokens=5))]))
    assert [answers[index].completion_tokens for index in range(2)] == [20, 5]


def test_the_time_of_whoever_takes_the_answers_is_not_theirs(
    compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def tick() -> float:
        nonlocal now
        now += 0.001
        return now

    for module in (chat, generate):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=tick))
    composition = compose(stories_f32(), template="{prompt}{completion}")
    asks = [Ask([Message("user", "Once")], sampling=Sampling(max_tokens=most)) for most in (2, 4, 4, 6)]
    times = []
    for _, answer in composition.answer_many(asks):
        times.append(answer.timings.total_ms)
        now += 1000.0  # a slow check, say
    assert len(times) == 4
    assert max(times) < 1000.0


def test_a_conversation_that_cannot_be_taken_does_not_end_the_others(compose: Compose) -> None:
    composition = compose(tiny_f32())
    long, short = [Message("user", "wallet " * 2000)], [Message("user", "Hello")]
    answers = dict(composition.answer_many([long, short]))
    assert (answers[0].finish_reason, answers[0].text) == ("error", "")
    assert "longer than the model can read" in answers[0].error
    assert answers[1].completion_tokens > 0


def test_an_abandoned_stream_leaves_the_variant_usable(compose: Compose) -> None:
    composition = compose(stories_f32(), template="{prompt}{completion}", sampling=Sampling(max_tokens=40))
    messages = [Message("user", "Once upon a time")]
    expected = composition.answer(messages).text
    stream = composition.stream(messages)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert composition.answer(messages).text == expected


def test_a_model_without_any_template_is_refused_with_a_remedy() -> None:
    with pytest.raises(UsageError) as caught:
        Composition(variant(stories_f32()))
    assert "template = " in caught.value.remedy


def test_closing_closes_the_searcher() -> None:
    shelf = Shelf([])
    Composition(variant(tiny_f32()), shelf).close()
    assert shelf.closed
