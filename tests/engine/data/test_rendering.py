"""Examples as ids and labels: what carries loss, what is cut, and that training reads what serving writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.rendering import IGNORED, Renderer, stop_ids
from engine.models.builtin import builtin_directory
from engine.models.chat import render_chat
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt
from store.errors import UsageError
from store.records.data import Example, Message
from tests.bases import altered
from tests.ggufs import stories

TINY = builtin_directory("tiny")
PLAIN = "Question: {prompt}\nAnswer:\n{completion}\n"
TURNS = [
    Message("user", "I lost my phone."),
    Message("assistant", '{"intent": "recovery"}'),
    Message("user", "And now?  Über café 🙂"),
    Message("assistant", "Nothing\n\nmore."),
]
TEXTS = [
    "I lost my card.",
    "Where is it?\nHurry!",
    "1, 2, 3 … 44",
    "naïve café 🙂 日本",
    "a  b   c\td",
    "ends with space ",
]


@pytest.fixture
def chat() -> Renderer:
    return Renderer(ModelDirectory(TINY), "", "")


def example(prompt: str, answer: str, line: int = 1) -> Example:
    return Example("r", line, [Message("user", prompt), Message("assistant", answer)])


def test_a_row_is_the_whole_rendered_conversation_up_to_its_last_stop_token(chat: Renderer) -> None:
    text = render_chat(chat.chat_template, TURNS, add_generation_prompt=False)
    row = chat.row(Example("r", 1, TURNS), 1000)
    assert row.input_ids == encode(chat.tokenizer, text.removesuffix("\n"))


def test_the_answers_of_every_turn_and_nothing_else_carry_loss(chat: Renderer) -> None:
    row = chat.row(Example("r", 1, TURNS), 1000)
    trained = [label for label in row.labels if label != IGNORED]
    # the line break behind the first answer is the template's: a model that has stopped never writes it
    assert chat.tokenizer.decode(trained, skip_special_tokens=False) == (
        '{"intent": "recovery"}<|im_end|>Nothing\n\nmore.<|im_end|>'
    )
    assert all(label in (IGNORED, token) for token, label in zip(row.input_ids, row.labels, strict=True))


def test_a_prompt_is_tokenised_as_it_is_when_served(chat: Renderer) -> None:
    for text in TEXTS:
        served = encode_prompt(chat.tokenizer, chat.prompt_text([Message("user", text)]), chat.bos)
        row = chat.row(example(text, "yes"), 1000)
        assert row.input_ids[: len(served)] == served
        assert row.labels[: len(served)] == [IGNORED] * len(served)


@pytest.mark.parametrize("template", [PLAIN, "{prompt}\n{completion}", "{prompt}\n\n{completion}"])
def test_a_sentencepiece_like_tokenizer_reads_the_pieces_as_it_reads_the_whole(template: str) -> None:
    renderer = Renderer(ModelDirectory(stories()), template, "")
    for text in TEXTS:
        for answer in TEXTS:
            whole = template.replace("{prompt}", text).replace("{completion}", answer) + "</s>"
            row = renderer.row(example(text, answer), 1000)
            assert row.input_ids == encode_prompt(renderer.tokenizer, whole, "<s>"), (text, answer)


def test_bos_stands_once_before_a_plain_prompt() -> None:
    renderer = Renderer(ModelDirectory(stories()), PLAIN, "")
    row = renderer.row(example("Hi", "Ho"), 100)
    assert row.input_ids.count(1) == 1
    assert row.input_ids[0] == 1


def test_an_answer_of_a_plain_template_ends_with_the_models_stop_token() -> None:
    renderer = Renderer(ModelDirectory(stories()), PLAIN, "")
    assert renderer.row(example("Hi", "Ho"), 100).labels[-1] == 2


def test_a_system_prompt_stands_before_rows_that_bring_none() -> None:
    renderer = Renderer(ModelDirectory(TINY), "", "Be brief.")
    assert renderer.prompt_text([Message("user", "Hi")]).startswith("<|im_start|>system\nBe brief.<|im_end|>")
    own = [Message("system", "Be long."), Message("user", "Hi")]
    assert "Be brief." not in renderer.prompt_text(own)


def test_without_any_template_a_conversation_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="Nothing says how a conversation is written") as caught:
        Renderer(ModelDirectory(stories()), "", "")
    assert "template" in caught.value.remedy


def test_a_plain_template_without_its_places_is_refused() -> None:
    with pytest.raises(UsageError, match="no place for the text"):
        Renderer(ModelDirectory(TINY), "Answer: {completion}", "")


def test_a_template_that_shows_the_last_turns_only_is_no_ground_for_training(tmp_path: Path) -> None:
    last_only = "{% for message in messages[-2:] %}{{ message['content'] }}|{% endfor %}"
    base = altered(TINY, tmp_path / "m", "tokenizer_config.json", chat_template=last_only)
    row = Renderer(ModelDirectory(base), "", "").row(Example("r", 1, TURNS), 100)
    assert "the answer as written does not follow its prompt" in row.problem
    assert row.trained == 0


def test_several_stop_tokens_all_end_an_answer(tmp_path: Path) -> None:
    base = ModelDirectory(altered(TINY, tmp_path / "m", "config.json", eos_token_id=[0, 2]))
    renderer = Renderer(base, "", "")
    assert stop_ids(base, renderer.tokenizer) == {0, 2}
