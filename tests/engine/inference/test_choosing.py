"""Answers that are chosen by likelihood: the figures, the prompts, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.export.adapter_gguf import adapter_to_gguf
from engine.export.vocabulary import adds_space_of
from engine.inference import choosing, shape
from engine.inference.answers import Answer, Ask, Prompt
from engine.inference.chat import Composition
from engine.inference.choices import ChoiceScorer
from engine.inference.choosing import Chooser, likeliest
from engine.inference.generate import AdapterSet
from engine.inference.llama import Context, Model
from engine.inference.lora import LoraAdapter, put_on
from engine.inference.sampler import log_softmax
from engine.models.chat import render_chat
from engine.models.directory import ModelDirectory
from engine.models.pieces import PieceEncoder
from engine.models.tokenizer import load_tokenizer
from store.errors import UsageError
from store.records.data import Message
from store.records.evals import ChoiceScore
from store.records.workspace import GgufAdapter, ResolvedVariant, Sampling
from tests.engine.export.untrained import adapter_on
from tests.ggufs import TINY, tiny_f32
from tests.ggufs import stories as stories_directory

LABELS = ["lost_card", "refund", "a much longer answer than the others", "yes"]


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    composition = composition_of()
    yield composition
    composition.close()


def composition_of(**more: Any) -> Composition:
    return Composition(ResolvedVariant("v", str(tiny_f32()), sampling=Sampling(max_tokens=20), **more))


def ask(question: str, *choices: str, per_byte: bool = False) -> Ask:
    return Ask([Message("user", question)], choices=choices or LABELS, per_byte=per_byte)


def answers(composition: Composition, *asks: Ask) -> list[Answer]:
    found = dict(composition.answer_many(asks))
    return [found[index] for index in range(len(asks))]


def read_alone(model: Model, context: Context, question: str, choice: str) -> float:
    """The log-probability of a choice, from the logits behind each token of prompt and choice as one text."""
    prompt = render_chat(
        model.chat_template,
        [Message("user", question)],
        add_generation_prompt=True,
        bos_token=model.bos_text,
        eos_token=model.eos_text,
    )
    begun, whole = len(model.encode_prompt(prompt)), model.encode_prompt(prompt + choice)
    total = 0.0
    for at in range(begun, len(whole)):
        context.clear()
        context.read(whole[:at])
        total += float(log_softmax(context.logits)[whole[at]])
    return total


def test_the_likeliest_choice_is_the_answer_by_the_figures_of_reading_each_alone(
    composition: Composition, tiny: Model, context: Context
) -> None:
    question = "I lost my card, what now?"

    (answer,) = answers(composition, ask(question))

    expected = {one: read_alone(tiny, context, question, one) for one in LABELS}
    assert {one.text: one.logprob for one in answer.choices} == pytest.approx(expected, abs=2e-3)
    assert answer.text == max(expected, key=expected.__getitem__)
    assert (answer.finish_reason, answer.completion_tokens) == ("stop", 0)
    assert answer.prompt_tokens > 0


def test_chosen_and_written_answers_go_together_and_keep_their_places(composition: Composition) -> None:
    written = Ask([Message("user", "hello")])
    long = "word " * 300  # a larger memory than the first question's

    first, middle, last = answers(composition, ask("hello"), written, ask(long, "yes", "no"))

    assert first.text in LABELS
    assert last.text in ("yes", "no")
    assert middle.choices == []
    assert middle.completion_tokens > 0


@pytest.mark.training
def test_a_variants_adapter_files_are_on_whether_it_writes_or_chooses(
    composition: Composition, tiny: Model, tmp_path: Path
) -> None:
    adapter = adapter_on(TINY, tmp_path / "a", seed=1)
    file = str(adapter_to_gguf(ModelDirectory(TINY), adapter, tmp_path / "a.gguf"))
    question = [Message("user", "I lost my phone")]
    with_it = composition_of(adapters=[GgufAdapter(file)])

    written, chosen = answers(with_it, Ask(question), ask("I lost my phone"))
    told, bare = answers(composition, Ask(question, adapters=((file, 1.0),)), ask("I lost my phone"))
    plain = composition.answer(question)
    with_it.close()

    assert written.text == told.text != plain.text
    assert [one.logprob for one in chosen.choices] != pytest.approx([one.logprob for one in bare.choices])
    context = Context(tiny, 256)
    put_on(context, [(LoraAdapter(tiny, Path(file)), 1.0)])
    expected = [read_alone(tiny, context, "I lost my phone", one) for one in LABELS]
    context.close()
    assert [one.logprob for one in chosen.choices] == pytest.approx(expected, abs=2e-3)


def test_an_adapter_file_that_does_not_fit_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="does not fit"):
        composition_of(adapters=[GgufAdapter(str(tiny_f32()))])


def test_questions_share_a_bounded_memory_and_few_at_once_have_the_same_figures(
    composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = [ask("I lost my card"), ask("money back, please"), ask("word " * 60)]
    many = answers(composition, *asks)
    size = min(shape.SHORTEST, composition.scheduler.size)
    monkeypatch.setattr(shape, "cells", lambda model: 2 * size)  # room for two questions
    made: list[int] = []

    class Counted(ChoiceScorer):
        def __init__(self, model: Model, size: int, parallel: int, adapters: AdapterSet) -> None:
            made.append(parallel)
            super().__init__(model, size, parallel, adapters)

    monkeypatch.setattr(choosing, "ChoiceScorer", Counted)
    other = composition_of()
    few = answers(other, *asks)
    other.close()

    assert made == [2]
    for one, two in zip(many, few, strict=True):
        figures = [[choice.logprob for choice in answer.choices] for answer in (one, two)]
        assert figures[0] == pytest.approx(figures[1], abs=2e-3)


def test_a_question_that_is_too_long_is_refused_and_the_others_answered(composition: Composition) -> None:
    refused, answered = answers(composition, ask("word " * 5000), ask("hello"))

    assert "longer than the model can read" in refused.error
    assert answered.text in LABELS


@pytest.mark.parametrize("prompt", ["Task: hello\nAnswer: ", "Task: hello\nAnswer:", "hello\n"])
def test_choices_are_split_from_the_prompt_as_training_splits_answers(stories: Model, prompt: str) -> None:
    directory = ModelDirectory(stories_directory())
    encoder = PieceEncoder(
        load_tokenizer(directory.tokenizer_file),
        directory.special_token("bos_token"),
        adds_space_of(directory.tokenizer_file),
    )
    choices = ["yes", " yes", "no way", "é"]
    trained = encoder.prompt(prompt)

    found = Chooser(stories, 512).continuations(Prompt(stories.encode_prompt(prompt), text=prompt), choices)

    assert found == [encoder.answer(trained, one) for one in choices]


def test_a_long_choice_is_less_likely_for_being_long_unless_bytes_count() -> None:
    short, long = ChoiceScore("no", -3.0, 1), ChoiceScore("probably so", -4.0, 3)

    assert likeliest([short, long]) is short
    assert likeliest([short, long], per_byte=True) is long
    assert likeliest([long, ChoiceScore("other", -4.0, 1)]) is long
