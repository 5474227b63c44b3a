"""A model behind an API, played by a real HTTP server on this machine: asked, judged, refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine.inference.answers import Ask
from engine.inference.opening import open_composition
from engine.inference.remote import UNCOUNTED, RemoteComposition
from engine.inference.remote_api import TRIES, RemoteApi
from engine.inference.structured.structure import schema_structure
from engine.jobs.queue import device_name
from engine.models.variants import describe, resolve
from engine.serving.host import Host
from store.errors import MissingError, TemperError, UsageError
from store.leases import DeviceLease
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.workspace import RemoteModel, ResolvedVariant, Sampling
from store.workspace import Workspace

HELLO = [Message("user", "Hello")]
INTENT = {"type": "object", "properties": {"intent": {"enum": ["scam"]}}, "required": ["intent"]}


class Api:
    """An OpenAI-compatible API that says what it is told to; `asked` are the bodies it got."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.says = "Hi"
        self.finish = "stop"
        self.statuses: list[int] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = "no"
        self.calls: list[dict[str, Any]] = []
        self.usage: dict[str, int] | None = {"prompt_tokens": 5, "completion_tokens": 2}
        self.refuses: tuple[str, ...] = ()
        self.url = ""

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        status = self.statuses.pop(0) if self.statuses else self.status
        if status != 200 or body.get("response_format", {}).get("type") in self.refuses:
            return PlainTextResponse(self.body, 400 if status == 200 else status, self.headers)
        if self.body != "no":
            return PlainTextResponse(self.body)
        message = {"role": "assistant", "content": self.says, "tool_calls": self.calls}
        choices = [{"index": 0, "message": message, "finish_reason": self.finish}]
        return JSONResponse({"choices": choices, "usage": self.usage})

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "big"}, {"id": "small"}]})


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    routes = [
        Route("/v1/chat/completions", api.complete, methods=["POST"]),
        Route("/v1/models", api.models),
    ]
    app = Starlette(routes=routes)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio", lifespan="off"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    api.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    listener.listen()  # who asks before the server is up waits
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield api
    server.should_exit = True
    thread.join()
    listener.close()


def variant(api: Api, **more: Any) -> ResolvedVariant:
    return ResolvedVariant("teacher", "", remote=RemoteModel(api.url, "big"), **more)


def variant_with_key(api: Api) -> ResolvedVariant:
    return ResolvedVariant("teacher", "", remote=RemoteModel(api.url, "big", "TEACHER_KEY"))


@pytest.fixture
def teacher(api: Api) -> Iterator[RemoteComposition]:
    shots = [Message("user", "a"), Message("assistant", "b")]
    found = open_composition(variant(api, system="Be brief.", shots=shots))
    assert isinstance(found, RemoteComposition)
    yield found
    found.close()


def test_it_is_asked_what_a_model_here_would_be_asked(api: Api, teacher: RemoteComposition) -> None:
    answer = teacher.answer(HELLO)

    assert (answer.text, answer.finish_reason, answer.prompt_tokens) == ("Hi", "stop", 5)
    assert api.asked[0]["model"] == "big"
    assert [turn["content"] for turn in api.asked[0]["messages"]] == ["Be brief.", "a", "b", "Hello"]


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


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "did not take the request"),
        (401, "refused the key"),
        (403, "refused the key"),
        (404, "does not know that model or address"),
        (302, "sends questions elsewhere"),
    ],
)
def test_a_refusal_is_a_titled_error(api: Api, teacher: RemoteComposition, status: int, title: str) -> None:
    api.status = status

    with pytest.raises(UsageError, match=title):
        teacher.answer(HELLO)
    assert len(api.asked) == 1


@pytest.fixture
def hasty(api: Api) -> Iterator[RemoteComposition]:
    """Waits for nobody: a busy API is asked again at once."""
    remote = RemoteModel(api.url, "big")
    found = RemoteComposition(variant(api), api=RemoteApi(remote, wait_seconds=0))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("status", "title"),
    [(429, "wants no more questions now"), (500, "did not answer"), (503, "did not answer")],
)
def test_a_busy_api_is_asked_again_a_few_times(
    api: Api, hasty: RemoteComposition, status: int, title: str
) -> None:
    api.statuses = [status, status]
    assert hasty.answer(HELLO).text == "Hi"
    assert len(api.asked) == 3

    api.status = status
    with pytest.raises(TemperError, match=title):
        hasty.answer(HELLO)
    assert len(api.asked) == 3 + TRIES


@pytest.mark.parametrize("said", ["0", "Sat, 28 Nov 2020 00:00:00 GMT"])
def test_retry_after_says_when_to_ask_again(api: Api, said: str) -> None:
    api.statuses, api.headers = [429], {"Retry-After": said}
    patient = RemoteComposition(variant(api), api=RemoteApi(RemoteModel(api.url, "big"), wait_seconds=3600))

    assert patient.answer(HELLO).text == "Hi"  # without the header it would have waited a minute
    patient.close()


@pytest.mark.parametrize("said", ["soon", "nan", "-5", "Sat, 99 Nov"])
def test_a_retry_after_that_says_nothing_is_passed_over(
    api: Api, hasty: RemoteComposition, said: str
) -> None:
    api.statuses, api.headers = [503], {"Retry-After": said}

    assert hasty.answer(HELLO).text == "Hi"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("<html>Welcome</html>", "something else than a completion"),
        ('{"choices": "none"}', "something else than a completion"),
        ('{"choices": []}', "without a choice"),
        ('{"error": "overloaded"}', "something else than a completion"),
    ],
)
def test_what_is_no_completion_is_a_titled_error(
    api: Api, teacher: RemoteComposition, body: str, title: str
) -> None:
    api.body = body

    with pytest.raises(TemperError, match=title):
        teacher.answer(HELLO)


def test_the_words_of_the_api_are_shown_without_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "sk-secret")
    api.status, api.body = 401, '{"error": {"message": "Incorrect API key provided: sk-secret"}}'
    composition = RemoteComposition(variant_with_key(api))

    with pytest.raises(UsageError, match=r"Incorrect API key provided: \[key\]") as caught:
        composition.answer(HELLO)
    composition.close()
    assert "sk-secret" not in str(caught.value)


def test_an_answer_without_usage_says_so(api: Api, teacher: RemoteComposition) -> None:
    api.usage = None

    answer = teacher.answer(HELLO)

    assert (answer.text, answer.prompt_tokens) == ("Hi", 0)
    assert answer.notices == [UNCOUNTED]


def test_an_answer_that_takes_too_long_is_a_titled_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        remote = RemoteModel(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "big")
        slow = RemoteComposition(ResolvedVariant("x", "", remote=remote), api=RemoteApi(remote, seconds=0.05))
        with pytest.raises(TemperError, match="took too long"):
            slow.answer(HELLO)
        slow.close()


def test_a_server_without_a_certificate_is_a_titled_error(api: Api) -> None:
    remote = RemoteModel(api.url.replace("http:", "https:"), "big")
    composition = RemoteComposition(ResolvedVariant("x", "", remote=remote))

    with pytest.raises(TemperError, match="certificate is not trusted"):
        composition.answer(HELLO)
    composition.close()


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
    "more", [{"logprobs": 2}, {"bias": {5: -1.0}}, {"adapters": (("a.gguf", 1.0),)}], ids=str
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


@pytest.mark.parametrize("status", [401, 404, 302, 429])
def test_an_api_that_answers_nobody_ends_it_all(api: Api, hasty: RemoteComposition, status: int) -> None:
    api.status = status

    with pytest.raises(TemperError):
        list(hasty.answer_many([HELLO] * 50))
    assert len(api.asked) < 50


def test_failures_of_single_questions_end_it_only_when_nothing_else_comes(
    api: Api, hasty: RemoteComposition
) -> None:
    api.statuses = [400] * 6
    answers = [answer for _, answer in hasty.answer_many([HELLO] * 12)]
    assert sum(bool(answer.error) for answer in answers) == 6

    api.status = 500
    with pytest.raises(TemperError, match="did not answer"):
        list(hasty.answer_many([HELLO] * 50))


def test_nobody_there_is_a_titled_error(api: Api) -> None:
    gone = ResolvedVariant("gone", "", remote=RemoteModel("http://127.0.0.1:9/v1", "big"))
    composition = RemoteComposition(gone)

    with pytest.raises(TemperError, match="is not there"):
        composition.answer(HELLO)
    composition.close()


def test_the_key_comes_from_the_environment_and_from_nowhere_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_key = variant_with_key(api)
    with pytest.raises(MissingError, match="TEACHER_KEY"):
        RemoteComposition(with_key)

    monkeypatch.setenv("TEACHER_KEY", "secret")
    composition = RemoteComposition(with_key)
    composition.answer(HELLO)
    composition.close()
    assert api.keys == ["Bearer secret"]


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
