"""The endpoints: requests become work for the model's thread, what it hands over becomes responses.

    GET  /health                state in words, what is loaded    GET  /v1/models   what can be asked, or one
    POST /v1/chat/completions   answers, whole or streamed        POST /release     gives the device back
    POST /load                  a variant, its steps streamed     POST /stop        ends the server

/release and /stop answer 409 while something is loaded or answered. Knows nothing of sockets or files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from engine.jobs.context import failure_of
from engine.serving.host import Host
from engine.serving.replies import DONE, Reply, error_event
from engine.serving.requests import BadRequest, ChatRequest, parse_request
from engine.serving.threads import ModelThread, Work
from engine.serving.wire import error_body, status_of
from store import clock
from store.errors import MissingError, TemperError
from store.records.serving import ChatDelta
from store.workspace import Workspace

T = TypeVar("T")

DISCONNECT_SECONDS = 0.2  # how often a silent wait looks whether the client is still there


class LoadRequest(msgspec.Struct):
    """The body of /load; an empty `variant` is the server's own."""

    variant: str = ""


class TokenGuard:
    """Lets nobody in without the token, whatever they ask for."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or self._allowed(scope):
            await self._app(scope, receive, send)
            return
        error = {"message": "The token is missing or wrong.", "type": "authentication_error"}
        response = JSONResponse({"error": error}, 401, {"WWW-Authenticate": "Bearer"})
        await response(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return secrets.compare_digest(given, self._wanted)


class Service:
    """The HTTP side of a host. `stop` ends the server."""

    def __init__(self, host: Host, stop: Callable[[], None]) -> None:
        self.host = host
        self.thread = ModelThread(host.step)
        self._last_used = time.monotonic()
        self._stop = stop

    def app(self, token: str, lifespan: Lifespan[Starlette]) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/health", self.health, methods=["GET"]),
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/models/{name:path}", self.model, methods=["GET"]),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/load", self.load, methods=["POST"]),
            Route("/release", self.release, methods=["POST"]),
            Route("/stop", self.stop, methods=["POST"]),
        ]
        handlers = {Exception: shown, TemperError: shown, HTTPException: not_served, ClientDisconnect: gone}
        return TokenGuard(Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan), token)

    async def health(self, request: Request) -> Response:
        """Alive, and doing what."""
        variant = self.host.variant
        return JSONResponse(
            {
                "pid": os.getpid(),
                "state": self.host.state,
                "busy": self.thread.pending > 0,
                "variant": variant.name if variant else "",
                "variant_sha256": variant.sha256 if variant else "",
                "idle_seconds": round(self.idle_seconds(), 3),
            }
        )

    async def models(self, request: Request) -> Response:
        """Variants and models of temper.toml; runs and paths can be asked for too."""
        return JSONResponse({"object": "list", "data": [model_entry(name) for name in self._names()]})

    async def model(self, request: Request) -> Response:
        """One of them."""
        name = request.path_params["name"]
        if name not in self._names():
            raise MissingError(
                "There is no such model", f"{name!r} is not listed.", "GET /v1/models lists those that are."
            )
        return JSONResponse(model_entry(name))

    def _names(self) -> list[str]:
        config = Workspace(self.host.root).config
        return list(dict.fromkeys([*config.variants, *config.models]))

    async def load(self, request: Request) -> Response:
        """Have a variant ready: a JSON line per step, then what is loaded, or an error."""
        try:
            asked = msgspec.json.decode(await request.body() or b"{}", type=LoadRequest)
        except msgspec.MsgspecError as error:
            raise BadRequest("variant", f"{error}.", 'Send {"variant": NAME}.') from error

        def work(tell: Callable[[dict[str, str]], None], unwanted: threading.Event) -> Iterator[None]:
            variant = yield from self.host.ready(asked.variant, lambda words: tell({"words": words}))
            tell({"variant": variant.name, "variant_sha256": variant.sha256})

        async def lines() -> AsyncGenerator[bytes, None]:
            try:
                async with contextlib.aclosing(self._run(work)) as items:
                    async for item in items:
                        yield msgspec.json.encode(item) + b"\n"
            except Exception as error:
                yield msgspec.json.encode(error_body(failure_of(error))) + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def chat(self, request: Request) -> Response:
        """OpenAI's chat completions. An error before the first word has its own status."""
        asked = parse_request(await request.body())
        reply = Reply(clock.new_id("chatcmpl"), int(clock.now().timestamp()), asked.model)

        def work(tell: Callable[[ChatDelta], None], unwanted: threading.Event) -> Iterator[None]:
            return self.host.answer(asked, reply, tell, unwanted.is_set)

        deltas = self._run(work)
        try:
            first = await or_disconnect(anext(deltas), request)
            if not asked.stream:
                rest = await or_disconnect(_all(deltas), request)
                return JSONResponse(reply.whole([first, *rest], asked.logprobs is not None))
        except BaseException:
            await deltas.aclose()
            raise
        return StreamingResponse(_events(deltas, first, reply, asked), media_type="text/event-stream")

    async def release(self, request: Request) -> Response:
        """Give the device back, unless something is going on."""
        if self.thread.pending:
            return occupied()
        await self.thread.call(self.host.release)
        return JSONResponse({"released": True})

    async def stop(self, request: Request) -> Response:
        """End the server, unless something is going on."""
        if self.thread.pending:
            return occupied()
        self._stop()
        return JSONResponse({"stopping": True})

    def idle_seconds(self) -> float:
        """Since the last load or answer ended; 0 while there is one."""
        return 0.0 if self.thread.pending else time.monotonic() - self._last_used

    async def _run(self, work: Work[T]) -> AsyncGenerator[T, None]:
        try:
            async with contextlib.aclosing(self.thread.run(work)) as items:
                async for item in items:
                    yield item
        finally:
            self._last_used = time.monotonic()


async def _events(
    deltas: AsyncGenerator[ChatDelta, None], first: ChatDelta, reply: Reply, asked: ChatRequest
) -> AsyncGenerator[bytes, None]:
    """Server-sent events of an answer; an error that comes in the middle is one of them."""
    scored = asked.logprobs is not None
    try:
        async with contextlib.aclosing(deltas):
            yield reply.chunk(first, True, asked.include_usage, scored)
            async for delta in deltas:
                yield reply.chunk(delta, False, asked.include_usage, scored)
        yield DONE
    except Exception as error:
        yield error_event(error_body(failure_of(error)))


async def _all(items: AsyncGenerator[T, None]) -> list[T]:
    return [item async for item in items]


async def or_disconnect(waited_for: Awaitable[T], request: Request) -> T:
    """The result of `waited_for`, or ClientDisconnect as soon as nobody is there to read it."""
    task = asyncio.ensure_future(waited_for)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=DISCONNECT_SECONDS)
            if not task.done() and await request.is_disconnected():
                raise ClientDisconnect
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def model_entry(name: str) -> dict[str, Any]:
    """OpenAI's `model` object."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "temper"}


def occupied() -> Response:
    """The answer to those who want the device back now."""
    error = {"message": "The server is loading or answering.", "type": "overloaded_error"}
    return JSONResponse({"error": error}, 409)


async def shown(request: Request, error: Exception) -> Response:
    """An error as OpenAI's clients read it."""
    failure = failure_of(error)
    param = error.param if isinstance(error, BadRequest) else None
    return JSONResponse(error_body(failure, param), status_of(failure))


async def not_served(request: Request, error: Exception) -> Response:
    """A path or a method that there is not."""
    assert isinstance(error, HTTPException)
    said = f"{request.method} {request.url.path}: {error.detail}."
    body = {"message": said, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": body}, error.status_code, error.headers)


async def gone(request: Request, error: Exception) -> Response:
    """Nobody reads this."""
    return Response(status_code=499)
