"""What OpenAI's clients ask for besides a text, over HTTP from the real server, whole and streamed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.inference.chat import Composition
from engine.inference.llama import Context
from engine.inference.sampler import log_softmax
from engine.models.variants import resolve
from store.records.data import Message
from store.records.serving import ServerFile
from store.workspace import Workspace
from tests.engine.serving.stage import call

CHAT = "/v1/chat/completions"
QUESTION = "I lost my phone, what now?"
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 24}
WARM = {"temperature": 1.5, "top_p": 1}
TOOL = {
    "type": "function",
    "function": {
        "name": "find_card",
        "description": "Finds a card.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"last_four": {"type": "string", "pattern": "^[0-9]{4}$"}},
            "required": ["last_four"],
            "additionalProperties": False,
        },
    },
}


def whole(server: ServerFile, **fields: Any) -> dict[str, Any]:
    """The only choice of an answer that is not streamed."""
    response = call(server, "POST", CHAT, ASKED | fields)
    assert response.status_code == 200, response.text
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


def text(server: ServerFile, **fields: Any) -> str:
    """Its text."""
    content = whole(server, **fields)["message"]["content"]
    assert isinstance(content, str)
    return content


def chunks(server: ServerFile, **fields: Any) -> list[dict[str, Any]]:
    """The choices of a streamed answer."""
    body = call(server, "POST", CHAT, ASKED | fields | {"stream": True}).text
    events = [event.removeprefix("data: ") for event in body.strip().split("\n\n")]
    assert events.pop() == "[DONE]"
    return [choice for event in events for choice in msgspec.json.decode(event)["choices"]]


def refusal(server: ServerFile, **fields: Any) -> dict[str, Any]:
    """The error of a request that is not taken."""
    response = call(server, "POST", CHAT, ASKED | fields)
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["temper"]["title"]
    return error


@pytest.fixture(scope="module")
def composition(workspace: Workspace) -> Iterator[Composition]:
    """The served variant in this process."""
    composition = Composition(resolve(workspace, "base"))
    yield composition
    composition.close()


def first_token(composition: Composition) -> int:
    """The id of the greedy answer's first token."""
    return composition.model.tokenise(composition.answer([Message("user", QUESTION)]).text)[0]


def test_log_probabilities_are_those_of_the_model_read_token_by_token(
    server: ServerFile, composition: Composition
) -> None:
    told = whole(server, logprobs=True, top_logprobs=3, temperature=0.7, seed=5)
    context = Context(composition.model, 512)
    ids = composition.prompt([Message("user", QUESTION)]).ids
    for entry in told["logprobs"]["content"]:
        context.read(ids)
        expected = log_softmax(context.logits.copy())
        best = np.argsort(-expected, kind="stable")[:3]
        top = [composition.model.piece(int(token)).decode("utf-8", "replace") for token in best]
        assert [one["token"] for one in entry["top_logprobs"]] == top
        logprobs = [one["logprob"] for one in entry["top_logprobs"]]
        assert logprobs == pytest.approx(expected[best].tolist(), abs=1e-3)
        ids = [*ids, *_token(composition, entry, expected)]
    context.close()
    assert told["message"]["content"] == "".join(one["token"] for one in told["logprobs"]["content"])


def _token(composition: Composition, entry: dict[str, Any], expected: Any) -> list[int]:
    """The id that an entry is about: that of its bytes and its figure."""
    near = np.flatnonzero(np.abs(expected - entry["logprob"]) < 1e-3)
    found = [int(one) for one in near if composition.model.piece(int(one)) == bytes(entry["bytes"])]
    assert len(found) == 1
    return found


def test_log_probabilities_are_the_same_streamed_and_whole(server: ServerFile) -> None:
    told = whole(server, logprobs=True, top_logprobs=2)
    streamed = chunks(server, logprobs=True, top_logprobs=2)
    content = [entry for chunk in streamed for entry in chunk["logprobs"]["content"]]
    assert [one["token"] for one in content] == [one["token"] for one in told["logprobs"]["content"]]
    assert len(content) > 5
    for chunk in streamed[:-1]:
        shown = chunk["delta"].get("content", "")
        assert shown == "".join(one["token"] for one in chunk["logprobs"]["content"])


def test_without_being_asked_for_there_are_no_log_probabilities(server: ServerFile) -> None:
    assert whole(server)["logprobs"] is None
    assert {chunk["logprobs"] for chunk in chunks(server)} == {None}
    assert "logprobs" not in call(server, "POST", CHAT, ASKED).json()["temper"]


def test_what_a_stop_string_cuts_has_no_log_probabilities(server: ServerFile) -> None:
    long = text(server)
    stop = long[len(long) // 2 : len(long) // 2 + 3]
    told = whole(server, stop=[stop, "no such text"], logprobs=True)
    expected = long[: long.find(stop)]
    assert (told["message"]["content"], told["finish_reason"]) == (expected, "stop")
    tokens = "".join(entry["token"] for entry in told["logprobs"]["content"])
    assert tokens.startswith(expected)
    last = told["logprobs"]["content"][-1]["token"]
    assert len(tokens) - len(expected) < len(last)  # only the token that the cut goes through is longer


def test_a_bias_bans_a_token_or_makes_it_the_only_one(server: ServerFile, composition: Composition) -> None:
    token = first_token(composition)
    plain = whole(server, logprobs=True)["logprobs"]["content"][0]
    banned = whole(server, logit_bias={str(token): -100}, logprobs=True)["logprobs"]["content"]
    assert banned[0]["token"] != plain["token"]
    assert plain["token"] not in [entry["token"] for entry in banned]
    forced = whole(server, logit_bias={str(token): 100}, max_tokens=5, logprobs=True)["logprobs"]["content"]
    assert [entry["token"] for entry in forced] == [plain["token"]] * 5
    assert forced[1]["logprob"] < math.log(0.99)  # the figure is the model's own, without the bias


def test_a_bias_on_a_token_that_there_is_not_is_refused(server: ServerFile) -> None:
    assert "logit_bias" in refusal(server, logit_bias={"99999999": 1})["message"]


@pytest.mark.parametrize(
    "penalty", [{"frequency_penalty": 2}, {"presence_penalty": 2}, {"repeat_penalty": 1.6}]
)
def test_penalties_make_an_answer_repeat_less(
    server: ServerFile, composition: Composition, penalty: dict[str, float]
) -> None:
    endless = {str(token): -100 for token in composition.model.stop_ids}

    def repeats(**fields: Any) -> int:
        told = whole(server, max_tokens=80, logprobs=True, logit_bias=endless, **fields)["logprobs"][
            "content"
        ]
        tokens = [entry["token"] for entry in told]
        return len(tokens) - len(set(tokens))

    assert repeats(**penalty) < repeats()


def test_a_seed_fixes_a_text_whoever_else_asks(server: ServerFile) -> None:
    alone = [text(server, seed=seed, **WARM) for seed in (1, 2, 3)]
    with ThreadPoolExecutor(6) as pool:
        again = list(pool.map(lambda seed: text(server, seed=seed, **WARM), (3, 1, 2, 4, 1, 5)))
    assert [again[1], again[2], again[0]] == alone
    assert again[4] == again[1]
    assert len(set(alone)) > 1


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"min_p": 0.99}, {"top_p": 0.001}])
def test_a_narrow_choice_is_greedy_at_any_temperature(server: ServerFile, narrow: dict[str, float]) -> None:
    assert text(server, temperature=2, seed=9, **narrow) == text(server)


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 2), ("top_logprobs", 3), ("min_p", 2), ("prediction", {}), ("reasoning_effort", "low")],
)
def test_what_is_refused_is_named(server: ServerFile, field: str, value: Any) -> None:
    assert refusal(server, **{field: value})["param"] == field


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/nope", 404),
        ("POST", "/v1/embeddings", 404),
        ("GET", CHAT, 405),
        ("POST", "/v1/models", 405),
    ],
)
def test_what_is_not_served_is_an_error_in_the_same_shape(
    server: ServerFile, method: str, path: str, status: int
) -> None:
    response = call(server, method, path)
    assert response.status_code == status
    assert {"message", "type", "param", "code"} <= response.json()["error"].keys()


def test_one_model_can_be_looked_up(server: ServerFile) -> None:
    listed = call(server, "GET", "/v1/models").json()["data"]
    assert call(server, "GET", "/v1/models/base").json() == listed[0]


@pytest.mark.parametrize(
    "body",
    [
        {  # LangChain's ChatOpenAI with tools bound
            "model": "base",
            "stream": True,
            "n": 1,
            "temperature": 0.7,
            "stream_options": {"include_usage": True},
            "tools": [TOOL],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        },
        {  # Open WebUI
            "model": "base",
            "stream": True,
            "stop": None,
            "seed": None,
            "user": "somebody",
            "frequency_penalty": 0,
            "max_completion_tokens": 24,
        },
        {  # the openai package's `parse`
            "model": "base",
            "stream": True,
            "store": False,
            "metadata": {"run": "1"},
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "Answer",
                    "strict": True,
                    "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}},
                },
            },
        },
    ],
)
def test_requests_as_clients_send_them_are_answered(server: ServerFile, body: dict[str, Any]) -> None:
    streamed = chunks(server, **body)
    assert streamed[0]["delta"]["role"] == "assistant"
    assert streamed[-1]["finish_reason"] in ("stop", "length", "tool_calls")


def test_a_text_is_streamed_as_it_comes_though_there_are_tools(server: ServerFile) -> None:
    def shown(seed: int) -> list[str]:
        streamed = chunks(server, tools=[TOOL], temperature=1.0, seed=seed)
        return [chunk["delta"]["content"] for chunk in streamed if chunk["delta"].get("content")]

    seed = next(seed for seed in range(20) if len(shown(seed)) > 3)  # some texts end after a word
    assert "".join(shown(seed)) == text(server, tools=[TOOL], temperature=1.0, seed=seed)


def test_a_call_that_must_be_made_comes_whole_at_the_end_of_the_stream(server: ServerFile) -> None:
    streamed = chunks(server, tools=[TOOL], tool_choice="required", max_tokens=200)
    assert not any(chunk["delta"].get("content") for chunk in streamed)
    calls = streamed[-1]["delta"]["tool_calls"]
    assert [one["function"]["name"] for one in calls] == ["find_card"] * len(calls)
    assert (calls[0]["index"], streamed[-1]["finish_reason"]) == (0, "tool_calls")


def test_an_answer_that_the_context_cuts_says_so(server: ServerFile, composition: Composition) -> None:
    endless = {str(token): -100 for token in composition.model.stop_ids}
    told = call(server, "POST", CHAT, ASKED | {"max_tokens": 100_000, "logit_bias": endless}).json()
    assert told["choices"][0]["finish_reason"] == "length"
    assert told["usage"]["total_tokens"] == composition.scheduler.size
    assert any("context is full" in notice for notice in told["temper"]["notices"])
