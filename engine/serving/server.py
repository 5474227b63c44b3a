"""The server process: `python -P -m engine.serving.server WORKSPACE [--variant V] [--port P] ...`.

One per workspace, on loopback, with a token; found through `.temper/server.json`, which exists only while
it lives. Ends by itself when nobody asked anything for a while. The endpoints are in engine.serving.service.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from engine import offline
from engine.serving.host import Host
from engine.serving.service import Service
from store import atomic
from store.errors import TemperError
from store.locks import FileLock
from store.records.serving import ServerFile
from store.records.workspace import ResolvedVariant
from store.workspace import Workspace

log = logging.getLogger("temper.server")

IDLE_MINUTES = 10.0
WATCH_SECONDS = 0.5
LAST_WORDS_SECONDS = 5.0  # for an answer or a conversion under way when the server is told to end
LOCK_SECONDS = 2.0  # those who only look whether a server runs hold the lock for a moment too
ALREADY_RUNS = 4  # exit code


class Server:
    """A bound socket, the file that announces it, and the life of the process in between."""

    def __init__(self, workspace: Workspace, options: argparse.Namespace) -> None:
        self._path = workspace.paths.server
        self._socket = bind(options.port)
        self._idle_seconds = options.idle_minutes * 60
        port = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(32)
        url = f"http://127.0.0.1:{port}"
        self._file = ServerFile(url, token, os.getpid(), "", "", options.foreground)
        self._service = Service(Host(workspace.root, options.variant, self._announce), self._stop)
        app = self._service.app(token, self._lifespan)
        config = uvicorn.Config(
            app,
            loop="asyncio",  # uvloop's sockets would not pass through the guard
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until told to stop, signalled, or idle for long."""
        self._uvicorn.run(sockets=[self._socket])

    def _stop(self) -> None:
        self._uvicorn.should_exit = True

    def _announce(self, variant: ResolvedVariant | None) -> None:
        """Say in server.json what is loaded."""
        self._file.variant = variant.name if variant else ""
        self._file.variant_sha256 = variant.sha256 if variant else ""
        atomic.write_bytes(self._path, msgspec.json.format(msgspec.json.encode(self._file)), mode=0o600)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        # Shutting down belongs here: after it, uvicorn raises the signal that ended it once more.
        self._announce(None)
        log.info("listening on %s", self._file.url)
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            await self._end()

    async def _watch(self) -> None:
        """Stop when idle for long, or when the terminal that wanted the server is gone."""
        parent = os.getppid()
        while self._idle_seconds <= 0 or self._service.idle_seconds() < self._idle_seconds:
            if self._file.foreground and os.getppid() != parent:
                break
            await asyncio.sleep(WATCH_SECONDS)
        log.info("no longer needed: stopping")
        self._stop()

    async def _end(self) -> None:
        done = await self._service.thread.close(LAST_WORDS_SECONDS)
        if done:
            self._service.host.close()
        self._path.unlink(missing_ok=True)
        log.info("stopped")
        if not done:
            # The thread is inside a conversion or llama.cpp; leaving Python around it would wait or crash.
            os._exit(0)


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes any. Raises TemperError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise TemperError(
            "The port cannot be used",
            f"127.0.0.1:{port}: {error.strerror or error}.",
            "Choose another with --port, or leave it out to take any.",
        ) from error
    return listener


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line of the process."""
    parser = argparse.ArgumentParser(prog="engine.serving.server")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--variant", help="What answers where a request names no model.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle-minutes", type=float, default=IDLE_MINUTES, help="0: never stop.")
    parser.add_argument("--foreground", action="store_true", help="Somebody keeps it in a terminal.")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Serve. Exit code 4 when a server of this workspace runs already, else that of the error."""
    options = parse_arguments(arguments)
    workspace = Workspace(options.workspace)
    lock = FileLock(workspace.paths.server_lock)
    if not lock.acquire(timeout=LOCK_SECONDS):
        log.error("a server of %s runs already", workspace.root)
        return ALREADY_RUNS
    with lock:
        workspace.paths.server.unlink(missing_ok=True)  # of a server that was killed
        Server(workspace, options).run()
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    offline.guard()
    try:
        sys.exit(main(sys.argv[1:]))
    except TemperError as failure:
        log.error("%s. %s %s", failure.title, failure.happened, failure.remedy)
        sys.exit(int(failure.exit_code))
