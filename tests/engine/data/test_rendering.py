"""Examples as ids and labels: what carries loss, what is cut, and that training reads what serving writes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.data.rendering import IGNORED, Renderer, Row, check_template, stop_ids
from engine.models.builtin import builtin_directory
from engine.models.chat import render_chat
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt
from store.errors import UsageError
from store.records.data import Example, Message, ToolCall
from tests.bases import altered
from tests.ggufs import stories

TINY = builtin_directory("tiny")
CLEF = "\u013f"  # how byte-level BPE spells a byte of U+1D11E, which no merge has
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
    base = ModelDirectory(stories())
    with pytest.raises(UsageError, match="Nothing says how a conversation is written") as caught:
        check_template(base, "")
    assert "template" in caught.value.remedy
    renderer = Renderer(base, "", "")
    assert "Nothing says how a conversation is written" in renderer.row(example("Hi", "Ho"), 100).problem
    assert renderer.row(Example("t", 1, [], text="Once upon a time"), 100).trained


def test_a_plain_template_without_its_places_is_refused() -> None:
    with pytest.raises(UsageError, match="no place for the text"):
        Renderer(ModelDirectory(TINY), "Answer: {completion}", "")


def test_a_template_that_shows_the_last_turns_only_is_no_ground_for_training(tmp_path: Path) -> None:
    last_only = "{% for message in messages[-2:] %}{{ message['content'] }}|{% endfor %}"
    base = altered(TINY, tmp_path / "m", "tokenizer_config.json", chat_template=last_only)
    row = Renderer(ModelDirectory(base), "", "").row(Example("r", 1, TURNS), 100)
    assert "what is asked would not be what was trained" in row.problem
    assert row.trained == 0


def test_several_stop_tokens_all_end_an_answer(tmp_path: Path) -> None:
    base = ModelDirectory(altered(TINY, tmp_path / "m", "config.json", eos_token_id=[0, 2]))
    renderer = Renderer(base, "", "")
    assert stop_ids(base, renderer.tokenizer) == {0, 2}


def test_a_preference_is_two_rows_whose_endings_alone_carry_loss(chat: Renderer) -> None:
    pair = Example("p", 4, TURNS, rejected=[Message("assistant", "Never.")], prompt_turns=3)
    chosen, rejected = chat.pair(pair, 1000)
    assert spoken(chat, chosen) == "Nothing\n\nmore.<|im_end|>"
    assert spoken(chat, rejected) == "Never.<|im_end|>"
    asked = chosen.labels.index(next(label for label in chosen.labels if label != IGNORED))
    assert chosen.input_ids[:asked] == rejected.input_ids[:asked]
    assert chat.row(pair, 1000) == chosen


def test_a_rating_changes_nothing_in_how_a_row_is_written(chat: Renderer) -> None:
    rated = msgspec.structs.replace(example("Hi", "Ho"), label=False)
    assert chat.row(rated, 100) == chat.row(example("Hi", "Ho"), 100)


def test_a_text_is_trained_whole_and_ends_with_the_models_end(chat: Renderer) -> None:
    row = chat.row(Example("t", 2, [], text="Once upon a time"), 100)
    assert row.input_ids == [
        *encode(chat.tokenizer, "Once upon a time"),
        chat.tokenizer.token_to_id(chat.eos),
    ]
    assert row.labels == row.input_ids


def test_a_text_that_ends_with_the_end_already_gets_no_second_one(chat: Renderer) -> None:
    row = chat.row(Example("t", 2, [], text="Once.<|im_end|>"), 100)
    assert [token for token in row.input_ids if token in chat.stops] == row.input_ids[-1:]


def test_a_plain_template_says_which_turns_it_leaves_out() -> None:
    renderer = Renderer(ModelDirectory(TINY), PLAIN, "")
    row = renderer.row(Example("r", 1, TURNS), 100)
    assert spoken(renderer, row) == "Nothing\n\nmore.\n<|im_end|>"
    assert "other turns are left out" in row.note
    assert renderer.row(example("Hi", "Ho"), 100).note == ""


def test_a_plain_template_has_no_place_for_calls() -> None:
    call = Message("assistant", "", [ToolCall("find", "{}")])
    row = Renderer(ModelDirectory(TINY), PLAIN, "").row(Example("r", 1, [TURNS[0], call]), 100)
    assert "no place for tool calls" in row.problem


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([Message("user", "Hi")], "no turn of the assistant"),
        ([], "no turn of the assistant"),
        ([Message("user", "Hi"), Message("assistant", "Ho", weight=0)], "No answer carries loss"),
    ],
)
def test_a_row_without_an_answer_that_carries_loss_says_so(
    chat: Renderer, messages: list[Message], said: str
) -> None:
    row = chat.row(Example("r", 1, messages), 100)
    assert said in row.problem
    assert row.trained == 0


def test_a_silent_turn_is_context_for_the_one_behind_it(chat: Renderer) -> None:
    silent = [TURNS[0], msgspec.structs.replace(TURNS[1], weight=0), *TURNS[2:]]
    row = chat.row(Example("r", 1, silent), 1000)
    assert spoken(chat, row) == "Nothing\n\nmore.<|im_end|>"
    assert row.note == ""
    assert row.input_ids == chat.row(Example("r", 1, TURNS), 1000).input_ids


def test_turns_behind_the_last_answer_with_loss_are_left_out_and_said(chat: Renderer) -> None:
    row = chat.row(Example("r", 1, TURNS[:3]), 1000)
    assert row.input_ids == chat.row(Example("r", 1, TURNS[:2]), 1000).input_ids
    assert "Turns behind the last answer" in row.note


def test_tools_that_cannot_be_read_are_a_problem_of_the_row(chat: Renderer) -> None:
    row = chat.row(msgspec.structs.replace(example("Hi", "Ho"), tools="[{"), 100)
    assert "The tools of a row cannot be read" in row.problem


def test_a_tokenizer_that_cannot_write_an_answer_is_a_problem_of_the_row(tmp_path: Path) -> None:
    model = json.loads((TINY / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    vocab = {token: number for token, number in model["vocab"].items() if token != CLEF}
    assert len(vocab) < len(model["vocab"])
    base = altered(TINY, tmp_path / "m", "tokenizer.json", model=model | {"vocab": vocab})
    renderer = Renderer(ModelDirectory(base), "", "")
    assert "cannot write the answer" in renderer.row(example("Hi", "\U0001d11e"), 100).problem
    assert renderer.row(example("Hi", "8"), 100).problem == ""


def test_what_is_cut_is_counted_with_its_loss(chat: Renderer) -> None:
    whole = chat.row(example("a", "word " * 20), 1000)
    row = chat.row(example("a", "word " * 20), 15)
    assert len(row.input_ids) + row.cut_tokens == len(whole.input_ids)
    assert row.trained + row.cut_trained == whole.trained


def spoken(renderer: Renderer, row: Row) -> str:
    trained = [label for label in row.labels if label != IGNORED]
    return str(renderer.tokenizer.decode(trained, skip_special_tokens=False))
