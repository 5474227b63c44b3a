"""Conversations become text: by the model's own template, or by a recipe's plain one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from engine.models.builtin import builtin_directory
from engine.models.chat import last_user, render_chat, render_plain, with_system
from engine.models.directory import ModelDirectory
from engine.models.turns import Tool, tools_of
from store.errors import UsageError
from store.records.data import Message, ToolCall
from tests.families import template_of

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


CALL = Message("assistant", "", [ToolCall("find", '{"city": "Paris"}', "call_1")])
RESULT = Message("tool", "21 degrees", tool_call_id="call_1", name="find")
CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}}
FIND = {"type": "function", "function": {"name": "find", "description": "Weather.", "parameters": CITY}}


def render(template: str, *messages: Message, tools: Sequence[Tool] = (), generate: bool = False) -> str:
    return render_chat(
        template, messages, add_generation_prompt=generate, bos_token="<s>", eos_token="</s>", tools=tools
    )


@pytest.mark.parametrize(
    ("family", "call"),
    [
        ("qwen2_5", '<tool_call>\n{"name": "find", "arguments": {"city": "Paris"}}\n</tool_call>'),
        ("qwen3", '<tool_call>\n{"name": "find", "arguments": {"city": "Paris"}}\n</tool_call>'),
        ("llama3_1", '{"name": "find", "parameters": {"city": "Paris"}}'),
        ("qwen3_5_think", "<function=find>\n<parameter=city>\nParis\n</parameter>"),
        ("glm4moe", "<tool_call>find\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>"),
        ("lfm2_2_5", "[find(city='Paris')]"),
        ("gemma4", 'call:find{city:<|"|>Paris<|"|>}'),
        ("gptoss", 'functions.find<|channel|>commentary json<|message|>{"city": "Paris"}<|call|>'),
    ],
)
def test_a_call_is_written_as_its_family_writes_it(family: str, call: str) -> None:
    text = render(template_of(family), USER, CALL, RESULT, ANSWER, tools=[FIND])
    assert call in text
    assert "21 degrees" in text
    assert "Weather." in text


@pytest.mark.parametrize("family", ["deepseekv3", "deepseek_r1_distill"])
def test_arguments_are_text_where_a_template_joins_them_as_text(family: str) -> None:
    assert 'find\n```json\n{"city": "Paris"}\n```' in render(template_of(family), USER, CALL, RESULT, ANSWER)


def test_an_empty_content_is_none_where_only_then_the_call_is_written() -> None:
    named = "{% if m.content is none %}{{ m.tool_calls[0].function.name }}{% endif %}"
    assert render("{% for m in messages %}" + named + "{% endfor %}", USER, CALL) == "find"


def test_ids_have_nine_characters_where_a_template_insists_and_answers_name_the_same() -> None:
    template = (
        "{% for m in messages %}{% for c in m.tool_calls or [] %}"
        "{% if c.id is not defined or c.id|length != 9 %}{{ raise_exception('nine') }}{% endif %}"
        "{{ c.function.name }}#{{ c.id }} {% endfor %}"
        "{% if m.role == 'tool' %}{{ m.tool_call_id }}{% endif %}{% endfor %}"
    )
    called, _, answered = render(template, USER, CALL, RESULT).partition(" ")
    assert called == f"find#{answered}"
    nameless = Message("assistant", "", [ToolCall("find", "{}")])
    called, _, answered = render(template, USER, nameless, Message("tool", "21")).partition(" ")
    assert called == f"find#{answered}"


def test_a_template_that_refuses_calls_in_every_form_says_why() -> None:
    two = Message("assistant", "", [ToolCall("find", "{}"), ToolCall("find", "{}")])
    with pytest.raises(UsageError, match="single tool-calls at once"):
        render(template_of("llama3_1"), USER, two, tools=[FIND])


def test_arguments_that_are_no_json_stay_as_they_are() -> None:
    broken = Message("assistant", "", [ToolCall("find", "{city: Paris")])
    assert "{city: Paris" in render("{{ messages[0].tool_calls[0].function | tojson }}", broken)


def test_a_plain_turn_is_its_role_and_content_and_nothing_else() -> None:
    assert render("{{ messages[0] | tojson }}", USER) == '{"role": "user", "content": "Where is my card?"}'
    assert render("{{ tools is none }}", USER) == "True"


@pytest.mark.parametrize("family", ["qwen3_training", "llama3_training", "phi3_training"])
def test_generation_marks_write_nothing(family: str) -> None:
    assert "On its way." in render(template_of(family), USER, ANSWER)


def test_bare_functions_are_wrapped_and_whole_ones_are_not() -> None:
    assert tools_of(json.dumps([FIND, FIND["function"]])) == [FIND, FIND]
    assert tools_of("") == []


@pytest.mark.parametrize("text", ["{", "[1]", '"find"', '[{"parameters": {}}]'])
def test_tools_that_are_no_functions_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="tools of a row cannot be read"):
        tools_of(text)


def test_a_template_that_takes_no_tools_for_tools_is_asked_without_the_word() -> None:
    listed = "{% if tools is defined %}{% for tool in tools %}{{ tool }}{% endfor %}{% endif %}"
    template = listed + "{{ messages[0].content }}"

    assert render_chat(template, [Message("user", "hi")], add_generation_prompt=True) == "hi"
