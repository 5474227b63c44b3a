"""An OpenAI-compatible API on this machine, told what to say, and compositions that ask it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine.inference.opening import open_composition
from engine.inference.remote import RemoteComposition
from engine.inference.remote_api import RemoteApi
from store.records.data import Message
from store.records.workspace import RemoteModel, ResolvedVariant

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


@pytest.fixture
def hasty(api: Api) -> Iterator[RemoteComposition]:
    """Waits for nobody: a busy API is asked again at once."""
    remote = RemoteModel(api.url, "big")
    found = RemoteComposition(variant(api), api=RemoteApi(remote, wait_seconds=0))
    yield found
    found.close()
