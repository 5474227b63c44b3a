"""OpenAI's request: what is supported is honoured, the rest refused by name; errors there and back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.serving.body import Body
from engine.serving.requests import BadRequest, ChatRequest, parse_request
from engine.serving.wire import error_body, error_from, status_of
from store.errors import BusyError, MissingError, TemperError, UsageError
from store.records.data import Message, ToolCall
from store.records.output import OutputFormat
from store.records.workspace import Sampling

HELLO = [{"role": "user", "content": "Hello"}]

TOOL = {"type": "function", "function": {"name": "now"}}


def parse(**fields: Any) -> ChatRequest:
    return parse_request(msgspec.json.encode({"messages": HELLO} | fields))


def test_what_is_asked_stands_in_for_the_variants_sampling() -> None:
    request = parse(temperature=0.5, max_tokens=7, seed=3)
    sampling = request.sampling(Sampling(temperature=0.1, top_p=0.9, top_k=40, max_tokens=256))
    assert sampling == Sampling(temperature=0.5, top_p=0.9, top_k=40, max_tokens=7, seed=3)


def test_the_newer_name_of_max_tokens_is_read_too() -> None:
    assert parse(max_completion_tokens=9).max_tokens == 9


def test_stop_may_be_one_string_or_several() -> None:
    assert parse(stop="\n").stop == ["\n"]
    assert parse(stop=["a", "b"]).stop == ["a", "b"]


def test_content_may_come_in_text_parts_and_developers_are_systems() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    assert parse(messages=messages).messages == [Message("system", "Be brief."), Message("user", "Hello")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tool_choice", "required"),
        ("functions", [{"name": "now"}]),
        ("n", 2),
        ("response_format", {"type": "json_schema", "json_schema": {}}),
        ("best_of", 3),
        ("logprobs", 5),
        ("top_logprobs", 5),
        ("logit_bias", {"5": 101}),
        ("logit_bias", {"wallet": 1}),
        ("logit_bias", [5]),
        ("presence_penalty", 2.5),
        ("frequency_penalty", -3),
        ("repetition_penalty", 0),
        ("repeat_penalty", "much"),
        ("min_p", 1),
        ("top_k", -1),
        ("seed", 1.5),
        ("stop", [1]),
        ("stop", ["x"] * 17),
        ("stream", "yes"),
        ("prediction", {"type": "content", "content": ""}),
        ("modalities", ["text", "audio"]),
        ("something_new", 1),
        ("temperature", -1),
        ("temperature", "hot"),
        ("top_p", 0),
        ("max_tokens", 0),
        ("max_completion_tokens", 0),
        ("messages", []),
        ("messages", "Hello"),
        ("temper", {"retrieve": True}),
    ],
)
def test_what_is_not_supported_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(**{field: value})
    assert field.removeprefix("max_completion_") in caught.value.param + caught.value.happened


def test_sampling_is_asked_for_in_the_words_of_openai_and_of_others() -> None:
    request = parse(
        min_p=0.05, top_k=7, presence_penalty=0.5, frequency_penalty=-0.5, repeat_penalty=1.1, top_p=0.9
    )
    assert request.sampling(Sampling()) == Sampling(
        min_p=0.05,
        top_k=7,
        top_p=0.9,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        repetition_penalty=1.1,
    )


def test_a_bias_has_the_ids_of_tokens_as_keys() -> None:
    assert parse(logit_bias={"5": -100, "17": 2.5}).bias == {5: -100.0, 17: 2.5}


def test_log_probabilities_are_told_with_as_many_others_as_asked_for() -> None:
    assert parse().logprobs is parse(logprobs=False, top_logprobs=None).logprobs is None
    assert parse(logprobs=True).logprobs == 0
    assert parse(logprobs=True, top_logprobs=20).logprobs == 20
    with pytest.raises(BadRequest, match="top_logprobs"):
        parse(logprobs=True, top_logprobs=21)


def test_two_names_of_one_field_must_agree() -> None:
    assert parse(max_tokens=5, max_completion_tokens=5).max_tokens == 5
    with pytest.raises(BadRequest) as caught:
        parse(max_tokens=5, max_completion_tokens=6)
    assert caught.value.param == "max_tokens"


def test_null_is_as_good_as_absent_in_every_field_but_the_messages() -> None:
    names = [field.name for field in msgspec.structs.fields(Body)] + ["n", "functions", "prediction", "audio"]
    nothing = dict.fromkeys(name for name in names if name != "messages")
    assert parse(**nothing) == parse()
    with pytest.raises(BadRequest, match="messages"):
        parse(messages=None)


def test_book_keeping_of_openais_changes_nothing() -> None:
    kept = {"user": "u1", "metadata": {"a": "b"}, "store": True, "service_tier": "auto"}
    assert parse(**kept) == parse()


def test_what_other_servers_add_to_messages_comes_back_and_is_not_read() -> None:
    answer: dict[str, Any] = {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "annotations": [],
        "audio": None,
    }
    assert parse(messages=[answer | {"function_call": None, "tool_calls": None}]).messages == [
        Message("assistant", "Hi")
    ]


def test_a_refusal_that_comes_back_is_a_text() -> None:
    parts = [{"type": "refusal", "refusal": "No."}]
    assert parse(messages=[{"role": "assistant", "content": parts}]).messages == [Message("assistant", "No.")]


@pytest.mark.parametrize(
    "fields", [{"n": 1}, {"tools": None}, {"presence_penalty": 0}, {"response_format": {"type": "text"}}]
)
def test_asking_for_what_happens_anyway_is_no_error(fields: dict[str, Any]) -> None:
    assert parse(**fields).messages == [Message("user", "Hello")]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": None, "tool_calls": [{"function": {"name": "now"}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
        {"role": "user", "content": None},
        {"role": "wizard", "content": "Hello"},
        {"role": "function", "content": "Hello"},
        {"role": "assistant", "content": "", "function_call": {"name": "now", "arguments": "{}"}},
    ],
)
def test_a_message_that_cannot_be_rendered_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(messages=[message])
    assert "messages[0]" in caught.value.param


def test_a_response_format_is_the_shape_of_the_answer() -> None:
    schema = {"type": "object"}
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert parse(response_format=asked).output == OutputFormat("json_schema", schema=schema, name="x")
    assert parse(response_format={"type": "json_object"}).output == OutputFormat("json_object")
    assert parse(temper={"output": {"kind": "regex", "pattern": "a+"}}).output == OutputFormat(
        "regex", pattern="a+"
    )


def test_two_shapes_at_once_are_refused() -> None:
    with pytest.raises(BadRequest, match="response_format"):
        parse(response_format={"type": "json_object"}, temper={"output": {"kind": "json_object"}})
    with pytest.raises(BadRequest, match="at once"):
        parse(response_format={"type": "json_object"}, tools=[TOOL])


def test_a_choice_of_tool_is_a_word_or_a_name() -> None:
    named = {"type": "function", "function": {"name": "now"}}
    assert parse(tools=[TOOL]).tool_choice == "auto"
    assert parse(tools=[TOOL], tool_choice="required").tool_choice == "required"
    assert parse(tools=[TOOL], tool_choice=named).tool_choice == "now"
    assert not parse(tools=[TOOL], parallel_tool_calls=False).parallel_tool_calls


def test_calls_and_their_results_are_turns_of_a_conversation() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]
    asked = parse(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "content": "noon", "tool_call_id": "1"},
        ]
    )
    assert asked.messages == [
        Message("assistant", "", [ToolCall("now", "{}", "1")]),
        Message("tool", "noon", tool_call_id="1"),
    ]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_request(data)


@pytest.mark.parametrize(
    ("kind", "status"), [(UsageError, 400), (MissingError, 404), (BusyError, 503), (TemperError, 500)]
)
def test_an_error_crosses_http_and_stays_what_it_was(kind: type[TemperError], status: int) -> None:
    error = kind("Title", "What happened.", "What to do.")
    back = error_from(error_body(error))
    assert status_of(error) == status
    assert (type(back), back.title, back.happened, back.remedy) == (
        kind,
        "Title",
        "What happened.",
        "What to do.",
    )


@pytest.mark.parametrize("body", [None, "gone", {}, {"error": "no"}, {"error": {"message": "no"}}])
def test_an_error_of_another_make_becomes_a_plain_one(body: Any) -> None:
    assert "418" in error_from(body, 418).happened
