"""A model behind an API, played by a real HTTP server on this machine: asked, judged, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.inference.answers import Ask
from engine.inference.remote import RemoteComposition
from engine.inference.remote_api import RemoteApi
from engine.inference.structured.structure import schema_structure
from engine.jobs.queue import device_name
from engine.models.variants import describe, resolve
from engine.serving.host import Host
from store.errors import TemperError, UsageError
from store.leases import DeviceLease
from store.records.output import OutputFormat
from store.records.workspace import RemoteModel, Sampling
from store.workspace import Workspace
from tests.engine.inference.api_stage import (
    HELLO,
    INTENT,
    Api,
    variant,
)


def test_it_is_asked_what_a_model_here_would_be_asked(api: Api, teacher: RemoteComposition) -> None:
    answer = teacher.answer(HELLO)

    assert (answer.text, answer.finish_reason, answer.prompt_tokens) == ("Hi", "stop", 5)
    assert api.asked[0]["model"] == "big"
    assert [turn["content"] for turn in api.asked[0]["messages"]] == ["Be brief.", "a", "b", "Hello"]
    assert json.loads(teacher.read(Ask(HELLO), [])) == api.asked[0]["messages"]


def test_many_are_answered_and_a_failed_one_says_why(api: Api, teacher: RemoteComposition) -> None:
    assert [answer.text for _, answer in teacher.answer_many([HELLO, HELLO])] == ["Hi", "Hi"]

    api.status = 400
    [(_, failed)] = teacher.answer_many([HELLO])
    assert "did not take the request" in failed.error


def test_its_answers_are_judged_here(api: Api) -> None:
    with_schema = RemoteComposition(variant(api, output=OutputFormat("json_schema", schema=INTENT)))
    api.says = '{"intent": "scam"}'
    assert with_schema.answer(HELLO).invalid == ""
    assert api.asked[0]["response_format"]["json_schema"]["schema"] == INTENT

    api.says = '{"intent": "fees"}'
    with pytest.raises(TemperError, match="breaks its structure"):
        with_schema.answer(HELLO)

    api.says, api.finish = '{"intent": "sc', "length"
    assert "cut" in with_schema.answer(HELLO).invalid
    with_schema.close()


def test_a_shape_that_the_api_does_not_know_is_asked_for_in_words(api: Api) -> None:
    composition = RemoteComposition(
        variant(api, system="Be brief.", output=OutputFormat("json_schema", schema=INTENT))
    )
    api.refuses, api.says = ("json_schema", "json_object"), '```json\n{"intent": "scam"}\n```'

    answer = composition.answer(HELLO)
    again = composition.answer(HELLO)
    composition.close()

    assert answer.text == again.text == '{"intent": "scam"}'
    assert "refused response_format json_object" in answer.notices[0]
    kinds = [body.get("response_format", {}).get("type") for body in api.asked]
    assert kinds == ["json_schema", "json_object", None, None]  # and what was learnt is kept
    assert api.asked[-1]["messages"][0]["content"].startswith("Be brief.\n\nAnswer with JSON")


@pytest.mark.parametrize(
    ("output", "good", "bad", "word"),
    [
        (OutputFormat("choice", choices=["yes", "no"]), "no", "No.", "yes\nno"),
        (OutputFormat("regex", pattern="[A-Z]{3}"), "ABC", "ABCD", "[A-Z]{3}"),
        (OutputFormat("json_object"), "{}", "[]", "JSON object"),
    ],
)
def test_shapes_without_a_word_of_their_own_are_told_and_judged(
    api: Api, output: OutputFormat, good: str, bad: str, word: str
) -> None:
    composition = RemoteComposition(variant(api, output=output))
    api.says = good
    assert composition.answer(HELLO).text == good
    assert word in api.asked[0]["messages"][0]["content"]

    api.says = bad
    with pytest.raises(TemperError, match="breaks its structure"):
        composition.answer(HELLO)
    composition.close()


def test_the_verdict_of_a_judge_is_asked_for_by_its_schema_and_judged(
    api: Api, teacher: RemoteComposition
) -> None:
    api.says = '{"intent": "scam"}'
    [(_, answer)] = teacher.answer_many([Ask(HELLO, structure=schema_structure(INTENT))])

    assert answer.text == api.says
    assert api.asked[0]["response_format"]["json_schema"]["schema"] == INTENT


CALL = {"id": "call_1", "type": "function", "function": {"name": "lock", "arguments": '{"why": "lost"}'}}
WHY = {"type": "object", "properties": {"why": {"enum": ["lost"]}}, "required": ["why"]}
LOCK = {"type": "function", "function": {"name": "lock", "parameters": WHY}}


def test_its_calls_are_judged_by_the_schema_of_the_tool(api: Api, teacher: RemoteComposition) -> None:
    ask = Ask(HELLO, tools=[LOCK], tool_choice="lock")
    api.calls, api.says, api.finish = [CALL], "", "tool_calls"

    [(_, answer)] = teacher.answer_many([ask])
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("lock", '{"why": "lost"}')]
    assert api.asked[0]["tool_choice"] == {"type": "function", "function": {"name": "lock"}}

    api.calls = [{**CALL, "function": {"name": "lock", "arguments": "{}"}}]
    [(_, broken)] = teacher.answer_many([ask])
    assert "breaks its structure" in broken.error

    api.calls = []
    [(_, none)] = teacher.answer_many([ask])
    assert "There is no call" in none.error


def test_settings_beyond_the_defaults_are_sent_and_not_dropped(api: Api) -> None:
    composition = RemoteComposition(variant(api, sampling=Sampling(min_p=0.1, presence_penalty=0.5)))
    composition.answer(HELLO)
    composition.close()

    assert (api.asked[0]["min_p"], api.asked[0]["presence_penalty"]) == (0.1, 0.5)
    assert "top_k" not in api.asked[0]


@pytest.mark.parametrize(
    "more",
    [{"logprobs": 2}, {"bias": {5: -1.0}}, {"adapters": (("a.gguf", 1.0),)}, {"choices": ["a", "b"]}],
    ids=str,
)
def test_what_only_a_model_here_can_do_is_refused_and_not_left_out(
    api: Api, teacher: RemoteComposition, more: dict[str, Any]
) -> None:
    [(_, answer)] = teacher.answer_many([Ask(HELLO, **more)])

    assert "cannot do that" in answer.error
    assert api.asked == []


def test_an_api_that_wants_the_newer_word_for_the_cap_gets_it(api: Api, teacher: RemoteComposition) -> None:
    api.statuses, api.body = [400], "Use 'max_completion_tokens' instead."
    with pytest.raises(TemperError, match="something else"):  # the body of the second answer is no completion
        teacher.answer(HELLO)

    assert "max_completion_tokens" in api.asked[1]


def test_the_api_lists_its_models(api: Api) -> None:
    asked = RemoteApi(RemoteModel(api.url, ""))
    assert asked.models() == ["big", "small"]
    asked.close()


def workspace(root: Path, url: str, top: str = "") -> Workspace:
    settings = f'{top}\n[models.big]\nurl = "{url}"\nmodel = "big-one"\n[variants.teacher]\nmodel = "big"\n'
    (root / "temper.toml").write_text(settings, encoding="utf-8")
    return Workspace(root)


def test_a_model_on_another_machine_needs_the_consent_of_the_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stays on this machine"):
        describe(workspace(tmp_path, "https://api.example.com/v1"), "teacher")

    consented = workspace(tmp_path, "https://api.example.com/v1", "[workspace]\nnetwork = true")
    remote = describe(consented, "teacher").remote
    assert remote == RemoteModel("https://api.example.com/v1", "big-one")


def test_one_on_this_machine_resolves_without_any_file(tmp_path: Path) -> None:
    here = workspace(tmp_path, "http://127.0.0.1:8000/v1/")

    resolved = resolve(here, "teacher")

    assert (resolved.gguf, resolved.remote) == ("", RemoteModel("http://127.0.0.1:8000/v1", "big-one"))
    assert resolved.sha256 == resolve(here, "big").sha256


@pytest.mark.parametrize("url", ["ftp://x/v1", "http://me:pw@127.0.0.1/v1", "127.0.0.1:8000"])
def test_what_is_no_address_of_an_api_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        describe(workspace(tmp_path, url), "teacher")


def test_one_that_answers_elsewhere_is_served_while_a_job_has_the_device(api: Api, tmp_path: Path) -> None:
    workspace(tmp_path, api.url)
    lease = DeviceLease(device_name())
    assert lease.acquire(1, "a job", str(tmp_path))
    host = Host(tmp_path, "teacher", lambda variant: None)
    try:
        assert host.load("").name == "teacher"
    finally:
        host.close()
        lease.release()
