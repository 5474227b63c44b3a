"""Conversations become text: by the model's own template, or by a recipe's plain one."""

from __future__ import annotations

import pytest

from engine.models.builtin import builtin_directory
from engine.models.chat import last_user, render_chat, render_plain, with_system
from engine.models.directory import ModelDirectory
from store.errors import UsageError
from store.records.data import Message

SYSTEM, USER = Message("system", "Be brief."), Message("user", "Where is my card?")
ANSWER = Message("assistant", "On its way.")
PLAIN = "Q: {prompt}\nA: {completion}\n\n"


@pytest.fixture(scope="module")
def template() -> str:
    return ModelDirectory(builtin_directory("tiny")).chat_template


def test_the_embedded_base_is_asked_in_chatml(template: str) -> None:
    assert render_chat(template, [SYSTEM, USER], add_generation_prompt=True) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nWhere is my card?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_what_is_trained_begins_with_what_is_asked(template: str) -> None:
    asked = render_chat(template, [USER], add_generation_prompt=True)

    trained = render_chat(template, [USER, ANSWER], add_generation_prompt=False)

    assert trained == asked + "On its way.<|im_end|>\n"


def test_a_template_that_refuses_says_why() -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}"

    with pytest.raises(UsageError, match="The chat template refused a conversation") as caught:
        render_chat(template, [SYSTEM, USER], add_generation_prompt=True)

    assert "no system here" in caught.value.happened


@pytest.mark.parametrize(
    "template",
    [
        "{% for message in messages %}",
        "{{ messages[0].content + 1 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
    ],
)
def test_a_template_that_is_broken_or_reaches_out_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match="The chat template refused a conversation"):
        render_chat(template, [USER], add_generation_prompt=True)


def test_templates_find_their_special_tokens_and_filters() -> None:
    template = "{{ bos_token }}{{ messages[0] | tojson }}{{ eos_token }}"

    text = render_chat(
        template,
        [Message("user", "Grüße <b>")],
        add_generation_prompt=False,
        bos_token="<s>",
        eos_token="</s>",
    )

    assert text == '<s>{"role": "user", "content": "Grüße <b>"}</s>'


def test_a_plain_template_ends_before_the_answer_when_there_is_none() -> None:
    assert render_plain(PLAIN, "Where?") == "Q: Where?\nA: "
    assert render_plain(PLAIN, "Where?", "Here.") == "Q: Where?\nA: Here.\n\n"


def test_braces_of_the_rows_stay_as_they_are() -> None:
    assert render_plain(PLAIN, "{completion} {x}", "{prompt}") == "Q: {completion} {x}\nA: {prompt}\n\n"


@pytest.mark.parametrize("template", ["{prompt}", "{completion}", "", "{completion} answers {prompt}"])
def test_a_plain_template_needs_both_places_in_order(template: str) -> None:
    with pytest.raises(UsageError, match="no place for the text"):
        render_plain(template, "a", "b")


def test_a_system_message_is_put_in_front_unless_there_is_one() -> None:
    assert with_system([USER], "Be brief.") == [SYSTEM, USER]
    assert with_system([SYSTEM, USER], "Be long.") == [SYSTEM, USER]
    assert with_system([USER], "") == [USER]


def test_the_last_user_message_is_the_question() -> None:
    assert last_user([USER, ANSWER, Message("user", "When?"), ANSWER]) == "When?"
    assert last_user([SYSTEM]) == ""
