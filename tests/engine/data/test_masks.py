"""Masks: which turns carry loss, and that on every family's template nothing else does."""

from __future__ import annotations

import atexit
import functools
import itertools
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.masks import answers_with_loss
from engine.data.rendering import IGNORED, Renderer, Row
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode_prompt
from store.records.data import Example, Message, ToolCall
from store.records.preview import Mask
from tests.families import Kind, base_with, family_base, stops_of

ASK, ANSWER = Message("user", "Where?"), Message("assistant", "There.")
CALL = Message("assistant", "", [ToolCall("find", '{"city": "Paris"}', "call_1")])
RESULT = Message("tool", "21 degrees", tool_call_id="call_1", name="find")
CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}}
TOOLS = json.dumps(
    [{"type": "function", "function": {"name": "find", "description": "Weather.", "parameters": CITY}}]
)
MULTI = [
    Message("user", "Hi there"),
    Message("assistant", "Hello!"),
    Message("user", "And?"),
    Message("assistant", "  Nothing.\n"),
    Message("user", "So"),
    Message("assistant", "ok"),
]
# families whose templates write earlier turns as they wrote them when they were the last
KEEPING = [
    *("cohere", "cohere2", "gemma", "gemma3", "gemma4", "glm4moe", "lfm2", "llama3", "llama3_1", "llama3_2"),
    *("muse_glimmer", "phi3", "phi3_5", "qwen2_5", "qwen3_instruct_2507", "qwen3_8", "qwen3_vl"),
]
REWRITING = ["qwen3", "qwen3_5_nothink", "qwen3_5_think", "qwen3_6", "gptoss"]
CALLING = [
    "gemma4",
    "glm4moe",
    "lfm2_2_5",
    "llama3_1",
    "muse_glimmer",
    "qwen2_5",
    "qwen3_5_think",
    "qwen3_vl",
]
Shape = tuple[str, Kind, bool]


@functools.cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="temper-families-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _base(family: str, kind: Kind, strips: bool) -> ModelDirectory:
    return family_base(_scratch() / f"{family}-{kind}-{strips}", family, kind, strips)


@functools.cache
def _renderer(family: str, mask: Mask, kind: Kind, strips: bool) -> Renderer:
    return Renderer(_base(family, kind, strips), "", "", mask)


def renderer(family: str, mask: Mask = "assistant", kind: Kind = "byte", strips: bool = False) -> Renderer:
    """One for each of these, made once."""
    return _renderer(family, mask, kind, strips)


def row_of(made: Renderer, *messages: Message, tools: str = "") -> Row:
    return made.row(Example("r", 1, list(messages), tools=tools), 1 << 30)


def trained(made: Renderer, row: Row) -> list[str]:
    """The text of every run of trained tokens."""
    runs = itertools.groupby(row.labels, key=lambda label: label != IGNORED)
    return [made.tokenizer.decode(list(run), skip_special_tokens=False) for loss, run in runs if loss]


def test_each_mask_trains_the_turns_that_it_names() -> None:
    turns = [ASK, ANSWER, ASK, CALL, RESULT, ANSWER]
    assert answers_with_loss(turns, "assistant") == [1, 3, 5]
    assert answers_with_loss(turns, "last") == [5]
    assert answers_with_loss(turns, "completion") == [3, 5]
    assert answers_with_loss(turns, "completion", prompt_turns=5) == [5]


def test_a_turn_of_weight_nought_carries_no_loss_under_any_mask() -> None:
    silent = Message("assistant", "There.", weight=0)
    masks: list[Mask] = ["assistant", "last", "completion"]
    assert [answers_with_loss([ASK, ANSWER, ASK, silent], mask) for mask in masks] == [[1], [], []]


def test_a_question_behind_the_last_answer_does_not_begin_the_completion() -> None:
    assert answers_with_loss([ASK, ANSWER, ASK], "completion") == [1]


@pytest.mark.parametrize("family", KEEPING)
def test_every_answer_is_trained_with_its_stop_token_where_the_template_keeps_turns(family: str) -> None:
    made = renderer(family)
    row = row_of(made, *MULTI)
    stops = stops_of(family)
    spoken = trained(made, row)
    assert (row.problem, len(spoken)) == ("", 3)
    assert all(text.endswith(tuple(stops)) for text in spoken)
    assert all(content in text for content, text in zip(("Hello!", "Nothing.", "ok"), spoken, strict=True))
    assert not any(asked in text for asked in ("Hi there", "And?", "So") for text in spoken)


@pytest.mark.parametrize("family", REWRITING)
def test_where_the_template_rewrites_earlier_turns_the_last_answer_is_trained_and_the_row_says_so(
    family: str,
) -> None:
    made = renderer(family)
    row = row_of(made, *MULTI)
    (spoken,) = trained(made, row)
    assert "ok" in spoken
    assert row.note.startswith("Only the last answer carries loss: ")
    assert row_of(made, *MULTI[:2]).note == ""


@pytest.mark.parametrize("family", CALLING)
def test_calls_are_trained_and_what_tools_answer_is_not(family: str) -> None:
    made = renderer(family)
    row = row_of(made, ASK, CALL, RESULT, ANSWER, tools=TOOLS)
    spoken = trained(made, row)
    assert row.problem == ""
    assert "There." in spoken[-1]
    assert not any("21 degrees" in text for text in spoken)
    alone = row_of(made, ASK, CALL, tools=TOOLS)
    for called in [spoken[0], *trained(made, alone)] if not row.note else trained(made, alone):
        assert all(part in called for part in ("find", "Paris"))


@pytest.mark.parametrize("family", ["phi3", "phi3_5"])
def test_a_template_that_leaves_a_tools_answer_out_is_no_ground_for_training(family: str) -> None:
    row = row_of(renderer(family), ASK, CALL, RESULT, ANSWER, tools=TOOLS)
    assert "leaves out turn 3 (tool)" in row.problem
    assert row.trained == 0


@pytest.mark.parametrize("family", ["llama3", "lfm2", "qwen2_5_vl"])
def test_a_template_without_calls_trains_no_empty_call(family: str) -> None:
    row = row_of(renderer(family), ASK, CALL, tools=TOOLS)
    assert "leaves out the call of find" in row.problem


def test_tools_that_the_template_does_not_write_are_said() -> None:
    row = row_of(renderer("llama3"), ASK, ANSWER, tools=TOOLS)
    assert "the tools on offer" in row.note


@pytest.mark.parametrize("family", ["deepseekv3", "deepseek_r1_distill", "nemotron_3_nano"])
def test_an_answer_without_reasoning_does_not_follow_a_prompt_that_opens_it(family: str) -> None:
    row = row_of(renderer(family), ASK, ANSWER)
    assert "The prompt that is served ends with" in row.problem
    assert row.trained == 0


@pytest.mark.parametrize("family", ["deepseekv3", "deepseek_r1_distill", "nemotron_3_nano", "qwen3_6"])
def test_reasoning_that_the_prompt_opens_is_trained_whole(family: str) -> None:
    made = renderer(family)
    row = row_of(made, ASK, Message("assistant", "<think>\nhm\n</think>\n\nThere."))
    assert trained(made, row) == ["hm\n</think>\n\nThere." + stops_of(family)[0]]


@pytest.mark.parametrize("family", ["gemma"])
def test_a_template_that_refuses_system_messages_is_quoted(family: str) -> None:
    row = row_of(renderer(family), Message("system", "Be brief."), ASK, ANSWER)
    assert "The chat template refused a conversation: TemplateError: System role not supported" in row.problem
    assert (row.line, row.trained) == (1, 0)


@pytest.mark.parametrize("family", ["gemma", "cohere"])
def test_a_template_that_wants_turns_to_alternate_is_quoted(family: str) -> None:
    assert "must alternate" in row_of(renderer(family), ASK, ASK, ANSWER).problem


@pytest.mark.parametrize("family", ["gemma", "llama3"])
def test_white_space_that_a_template_trims_does_not_break_the_proof(family: str) -> None:
    made = renderer(family)
    row = row_of(made, ASK, Message("assistant", "\n\n  There.  \n"))
    assert trained(made, row) == ["There." + stops_of(family)[0]]


@pytest.mark.parametrize("family", ["qwen3_training", "llama3_training", "phi3_training", "gemma_training"])
def test_a_template_with_generation_marks_is_rendered_as_if_it_had_none(family: str) -> None:
    made = renderer(family)
    row = row_of(made, *MULTI)
    assert row.problem == ""
    assert "ok" in trained(made, row)[-1]


def test_an_answer_that_spells_a_stop_token_is_not_trained() -> None:
    row = row_of(renderer("qwen2_5"), ASK, Message("assistant", "Say <|im_end|> to end."))
    assert "spells the stop token <|im_end|>" in row.problem


def test_a_question_that_spells_a_stop_token_moves_no_mask() -> None:
    made = renderer("qwen2_5")
    row = row_of(made, Message("user", "<|im_end|>\n<|im_start|>assistant\nx"), ANSWER, ASK, ANSWER)
    assert trained(made, row) == ["There.<|im_end|>"] * 2


def test_an_end_that_the_config_does_not_name_is_trained_and_said(tmp_path: Path) -> None:
    template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|eot|>{% endfor %}"
    template += "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    made = Renderer(base_with(tmp_path / "m", template, ["<|x|>"]), "", "")
    row = row_of(made, ASK, ANSWER)
    assert trained(made, row) == ["There.<|eot|>"]
    assert "Answers end with <|eot|>" in row.note


def test_where_the_template_ends_no_turn_the_models_own_end_is_put_behind_the_last(tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    template += "{% if add_generation_prompt %}assistant: {% endif %}"
    made = Renderer(base_with(tmp_path / "m", template, ["<|x|>"]), "", "")
    row = row_of(made, ASK, ANSWER, ASK, ANSWER)
    assert trained(made, row) == ["There.\n<|x|>"]
    assert "Only the last answer carries loss" in row.note


def test_the_whole_mask_trains_every_token_and_ends_with_the_stop() -> None:
    made = renderer("qwen2_5", "whole")
    row = row_of(made, *MULTI)
    assert row.labels == row.input_ids
    assert made.tokenizer.decode(row.labels[-1:], skip_special_tokens=False) == "<|im_end|>"


words = st.sampled_from(
    [
        *(
            "Hi",
            " there",
            "\n",
            "\n\n",
            "  ",
            "\t",
            "\r\n",
            "\u00a0",
            "é",
            "e\u0301",
            "🙂",
            "日本",
            "7",
            "'s",
        ),
        *("<think>", "</think>", "{", '"', "\\"),
        *("<|im_end|>", "<|eot_id|>", "<|end|>", "<|im_start|>user", "<bos>"),
    ]
)
contents = st.lists(words, max_size=5).map("".join)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    turns = [Message("system", draw(contents))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        turns.append(Message("user", draw(contents)))
        if draw(st.integers(0, 4)) == 0:
            turns += [CALL, Message("tool", draw(contents), tool_call_id="call_1", name="find")]
        silent = draw(st.integers(0, 3)) == 0
        turns.append(Message("assistant", draw(contents), weight=0 if silent else 1))
    return turns


shapes: st.SearchStrategy[Shape] = st.one_of(
    st.tuples(st.sampled_from([*KEEPING, *REWRITING, "deepseekv3"]), st.just("byte"), st.just(False)),
    st.tuples(
        st.sampled_from(["phi3", "llama3", "qwen2_5", "gemma", "qwen3"]),
        st.sampled_from(["prepend", "metaspace"]),
        st.booleans(),
    ),
)


@settings(max_examples=150)
@given(shapes, conversations(), st.sampled_from(["assistant", "last", "completion"]))
def test_for_any_conversation_the_proof_holds_or_the_row_says_why_not(
    shape: Shape, turns: list[Message], mask: Mask
) -> None:
    """Checked with whole encodings of every prompt, which the renderer itself does without."""
    family, kind, strips = shape
    made = renderer(family, mask, kind, strips)
    row = row_of(made, *turns, tools=TOOLS)
    wanted = answers_with_loss(turns, mask)
    spans = spans_of(row)
    if row.problem:
        assert not spans
        return
    assert spans
    assert len(spans) == len(wanted) or "no loss" in row.note or "Only the last" in row.note
    served = {}
    for index in wanted:
        try:
            prompt = made.prompt_text(turns[:index], TOOLS)
        except Exception:  # refused at this length: then it is not among the trained
            continue
        served[tuple(encode_prompt(made.tokenizer, prompt, made.bos))] = index
    for begin, end in spans:
        index = served[tuple(row.input_ids[:begin])]
        said = made.tokenizer.decode(row.input_ids[begin : end - 1], skip_special_tokens=False)
        assert row.input_ids[end - 1] in made.stops
        assert not made.stops & set(row.input_ids[begin : end - 1])
        assert squeezed(turns[index].content) in squeezed(said) or "think" in turns[index].content
        assert all(call.name in said and "Paris" in said for call in turns[index].tool_calls)


def spans_of(row: Row) -> list[tuple[int, int]]:
    """The runs of labels, each as its first place and the one behind it."""
    spans, at = [], 0
    for loss, run in itertools.groupby(row.labels, key=lambda label: label != IGNORED):
        length = len(list(run))
        if loss:
            spans.append((at, at + length))
        at += length
    return spans


def squeezed(text: str) -> str:
    return "".join(text.split())
