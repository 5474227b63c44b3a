"""Calls in the form that each family's template teaches: read off it, enforced, and read out again."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from engine.inference.structured.call_form import DEFAULT, CallForm
from engine.inference.structured.call_reading import call_form
from engine.inference.structured.tools import ToolSet, form_for
from engine.inference.structured.vocabulary import Vocabulary
from engine.models.chat import render_chat
from store.errors import UsageError
from store.records.data import Message, ToolCall
from tests.engine.inference.structured.families import NATIVE, ONE_CALL, STOPS, WITHOUT, source

ASKED = Message("user", "Weather?")
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Says the weather.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 9},
                "unit": {"enum": ["celsius", "kelvin"]},
                "hourly": {"type": "boolean"},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get",
        "description": "",
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    },
}
TOOLS = [WEATHER, CLOCK]


SEVERAL = sorted(set(NATIVE) - set(ONE_CALL))


@cache
def form_of(family: str) -> CallForm:
    return call_form(source(family), STOPS)


@cache  # compiling a template takes longer than all the rest
def rendered(family: str, calls: str) -> str:
    made = [
        ToolCall(name, json.dumps(arguments), f"callnum0{at}")
        for at, (name, arguments) in enumerate(json.loads(calls))
    ]
    turns = [ASKED, Message("assistant", "", made)]
    return render_chat(source(family), turns, add_generation_prompt=False, tools=TOOLS)


def written(family: str, *calls: tuple[str, dict[str, Any]]) -> str:
    """What the template writes for an answer that makes `calls`, from the first mark to the last."""
    text = rendered(family, json.dumps(calls))
    form = form_of(family)
    text = text[text.index(form.begin, text.rindex("Weather?")) :]
    if form.after:
        text = text[: text.rindex(form.after[-1]) + len(form.after[-1])]
    else:
        text = min((text.partition(stop)[0] for stop in STOPS), key=len)
    return ("x</think>\n\n" if form.thought == "open" else "") + text


@cache
def toolset(family: str, choice: str = "auto", parallel: bool = True) -> ToolSet:
    return ToolSet(TOOLS, choice, form_of(family), parallel)


def read(tools: ToolSet, text: str) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in tools.calls(text)]


@pytest.mark.parametrize("family", NATIVE, scope="module")
@pytest.mark.parametrize("choice", ["auto", "required", "get_weather"])
def test_what_the_template_writes_is_enforced_and_read(family: str, choice: str) -> None:
    tools = toolset(family, choice)
    call = ("get_weather", {"city": 'Bern {}"}]', "days": 3, "unit": "kelvin", "hourly": True})
    text = written(family, call)

    assert form_of(family).begin == NATIVE[family]
    assert tools.structure.follows(text)
    assert tools.problem(text) == ""
    assert read(tools, text) == [call]


@pytest.mark.parametrize("family", NATIVE, scope="module")
def test_a_call_may_have_no_arguments(family: str) -> None:
    tools = toolset(family, "required")
    text = written(family, ("get", {}))

    assert tools.structure.follows(text)
    assert read(tools, text) == [("get", {})]


@pytest.mark.parametrize("family", SEVERAL, scope="module")
def test_several_calls_stand_in_one_answer_unless_only_one_may(family: str) -> None:
    rome = ("get_weather", {"city": "Rome", "days": 2})
    calls: list[tuple[str, Any]] = [("get_weather", {"city": "Bern"}), ("get", {}), rome]
    text = written(family, *calls)
    tools, single = (toolset(family, parallel=parallel) for parallel in (True, False))

    assert tools.structure.follows(text)
    assert read(tools, text) == calls
    assert not single.structure.follows(text)
    assert single.problem(text)


@pytest.mark.parametrize("family", sorted(set(NATIVE) - {"llama3_1", "llama3_2"}), scope="module")
def test_text_may_come_before_a_call_but_not_behind_it(family: str) -> None:
    tools = toolset(family)
    call = ("get_weather", {"city": "Bern"})
    head, ended, text = written(family, call).rpartition("</think>\n\n")
    talking = f"{head}{ended}Let me see.\n{text.removeprefix(chr(10))}"

    assert tools.structure.follows(talking)
    assert read(tools, talking) == [call]
    assert tools.beside(talking) == "Let me see."
    assert not tools.structure.follows(talking + " Done.")
    assert tools.problem(talking + " Done.")
    assert not toolset(family, "required").structure.follows(talking)


@pytest.mark.parametrize("family", NATIVE, scope="module")
def test_an_answer_may_be_text_alone_unless_a_call_is_required(family: str) -> None:
    thought = "hm</think>" if form_of(family).thought == "open" else ""
    text = f"{thought}It is sunny in {{Bern}}."
    may, must = (toolset(family, choice) for choice in ("auto", "required"))

    assert may.structure.follows(text)
    assert may.problem(text) == ""
    assert may.calls(text) == []
    assert not must.structure.follows(text)
    assert must.problem(text)


BROKEN: list[dict[str, Any]] = [
    {"city": "Bern", "days": 12},
    {"city": "Bern", "unit": "rankine"},
    {"days": 3},
    {"city": "Bern", "hourly": 3},
    {"city": "Bern", "other": 1},
]


@pytest.mark.parametrize("family", NATIVE, scope="module")
def test_a_call_that_breaks_its_schema_is_neither_written_nor_taken(family: str) -> None:
    tools = toolset(family)
    for arguments in BROKEN:
        text = written(family, ("get_weather", arguments))
        assert not tools.structure.follows(text)
        assert tools.problem(text)


@pytest.mark.parametrize("family", NATIVE, scope="module")
def test_no_call_is_cut_or_goes_to_another_tool(family: str) -> None:
    tools = ToolSet([WEATHER], "auto", form_of(family))
    text = written(family, ("get_weather", {"city": "Bern"}))

    for broken in (text[:-1], text.replace("get_weather", "get_weathers")):
        assert not tools.structure.follows(broken)
        assert tools.problem(broken)


@pytest.mark.parametrize("family", WITHOUT, scope="module")
def test_a_template_without_a_form_that_can_be_followed_gets_the_stated_one(family: str) -> None:
    form = form_of(family)

    assert (form.before, form.joint, form.after) == (DEFAULT.before, DEFAULT.joint, DEFAULT.after)
    assert not form.told  # so the tools are explained in the system message, and the template is not asked


def test_a_schema_that_bare_strings_cannot_follow_is_called_in_the_stated_form() -> None:
    date = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    tool = {"type": "function", "function": {"name": "book", "parameters": date}}
    own = form_of("qwen3_5_nothink")

    assert form_for(TOOLS, own) == own
    assert form_for([*TOOLS, tool], own).tagged is None
    assert not form_for([*TOOLS, tool], own).told


def test_a_thought_may_speak_of_calls() -> None:
    tools = toolset("qwen3")
    call = written("qwen3", ("get", {}))
    text = f"<think>\nI could write <tool_call> here.\n</think>\n\n{call}"

    assert tools.structure.follows(text)
    assert read(tools, text) == [("get", {})]
    assert tools.beside(text) == ""


def test_a_template_that_closes_only_longer_lists_is_read_from_those() -> None:
    assert form_of("deepseek_r1_distill") == form_of("deepseekv3")


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="one name"):
        ToolSet([CLOCK, CLOCK], "auto", DEFAULT)


CONTROL = ("[TOOL_CALLS]", "[ARGS]", "<think>", "</think>", "<|pad|>", "<|channel|>", "<|message|>")
END = 256


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """The 256 bytes, an end, and control tokens, as Mistral's and gpt-oss's vocabularies have them."""
    tokens = [bytes([byte]) for byte in range(256)] + [b""] * (1 + len(CONTROL))
    control = {word: END + 1 + at for at, word in enumerate(CONTROL)}
    return Vocabulary(tokens, [END, *control.values()], frozenset({END}), list, control)


def taken(tools: ToolSet, vocabulary: Vocabulary, text: str) -> str | None:
    """What is shown of an answer that is written in `vocabulary`'s tokens; None where it is not allowed."""
    state, shown = tools.structure.grammar(vocabulary).start(), b""
    for part in re.split(f"({'|'.join(map(re.escape, CONTROL))})", text):
        ids = [vocabulary.control_tokens[part]] if part in CONTROL else list(part.encode())
        for token in ids:
            if not state.allows(token):
                return None
            state.advance(token)
            shown += state.spelling(token) or (bytes([token]) if token < END else b"")
    return shown.decode() if state.allows(END) else None


@pytest.mark.parametrize("family", ["mistral-args", "gptoss", "qwen3", "qwen3_5_think"], scope="module")
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_words_of_a_form_that_are_control_tokens_are_written_and_shown_as_such(
    vocabulary: Vocabulary, family: str, choice: str
) -> None:
    tools = toolset(family, choice)
    text = written(family, ("get_weather", {"city": "Bern"}))

    assert taken(tools, vocabulary, text) == text
    assert read(tools, text) == [("get_weather", {"city": "Bern"})]


def test_text_may_hold_control_tokens_that_are_no_words_of_the_form(vocabulary: Vocabulary) -> None:
    call = written("mistral-args", ("get", {}))

    assert taken(toolset("mistral-args"), vocabulary, f"Hm<|pad|>, so.{call}") == f"Hm, so.{call}"
    assert taken(toolset("mistral-args"), vocabulary, "Hm<|pad|>") == "Hm"
    assert taken(toolset("mistral-args", "required"), vocabulary, f"<|pad|>{call}") is None


@pytest.mark.parametrize("inside", ["<|pad|>", "[TOOL_CALLS]"])
def test_no_control_token_stands_in_the_arguments(vocabulary: Vocabulary, inside: str) -> None:
    call = written("mistral-args", ("get_weather", {"city": f"Be{inside}rn"}))

    assert taken(toolset("mistral-args"), vocabulary, call) is None
    assert toolset("mistral-args").structure.follows(call)  # spelled letter by letter it is only text


def test_a_thought_in_control_tokens_comes_before_the_call(vocabulary: Vocabulary) -> None:
    call = written("qwen3", ("get", {}))
    text = f"<think>\nThe <tool_call> is next.\n</think>\n\n{call}"

    assert taken(toolset("qwen3"), vocabulary, text) == text
    assert read(toolset("qwen3"), text) == [("get", {})]
