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

from engine.inference.opening import open_composition
from engine.inference.remote import RemoteComposition
from engine.models.variants import describe, resolve
from store.errors import MissingError, TemperError, UsageError
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.workspace import RemoteModel, ResolvedVariant
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
        self.status = 200
        self.url = ""

    async def complete(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization", ""))
        if self.status != 200:
            return PlainTextResponse("no", self.status)
        message = {"role": "assistant", "content": self.says}
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        choices = [{"index": 0, "message": message, "finish_reason": self.finish}]
        return JSONResponse({"choices": choices, "usage": usage})


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    app = Starlette(routes=[Route("/v1/chat/completions", api.complete, methods=["POST"])])
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
    assert "did not answer" in failed.error


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
    ("status", "title"), [(401, "refused the key"), (404, "did not answer"), (400, "did not answer")]
)
def test_a_refusal_is_a_titled_error(api: Api, teacher: RemoteComposition, status: int, title: str) -> None:
    api.status = status

    with pytest.raises(UsageError, match=title):
        teacher.answer(HELLO)


def test_nobody_there_is_a_titled_error(api: Api) -> None:
    gone = ResolvedVariant("gone", "", remote=RemoteModel("http://127.0.0.1:9/v1", "big"))
    composition = RemoteComposition(gone)

    with pytest.raises(TemperError, match="did not answer"):
        composition.answer(HELLO)
    composition.close()


def test_the_key_comes_from_the_environment_and_from_nowhere_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_key = ResolvedVariant("teacher", "", remote=RemoteModel(api.url, "big", "TEACHER_KEY"))
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
