"""The light side of the server: find it, start it when none runs, ask it, stop asking.

For front ends: nothing heavy is imported, httpx only when it is used. Knows nothing of models.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from engine.detached import hold
from engine.models.variants import describe
from engine.serving.wire import error_from
from store.errors import BusyError, TemperError
from store.locks import FileLock, is_locked
from store.paths import WorkspacePaths
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.serving import ChatDelta, ServerFile
from store.workspace import Workspace

if TYPE_CHECKING:
    import httpx

START_SECONDS = 60.0
POLL_SECONDS = 0.05

Progress = Callable[[str], None]


class ServerLost(TemperError):
    """The connection to the server broke or could not be made."""


def ensure_server(
    workspace: Workspace, variant: str | None = None, on_progress: Progress = lambda words: None
) -> Client:
    """A client of the workspace's server with `variant` (None: the default one) loaded.

    Starts the server when none runs. The first load of a variant may convert a model for minutes:
    `on_progress` hears each step. Raises UsageError or MissingError for a variant that cannot be, BusyError
    when a job has the device, TemperError when the server does not start.
    """
    name = describe(workspace, variant).name
    try:
        return loaded_client(find_or_start(workspace, on_progress), name, on_progress)
    except ServerLost:  # it was just about to stop
        return loaded_client(find_or_start(workspace, on_progress), name, on_progress)


def loaded_client(server: ServerFile, variant: str, on_progress: Progress) -> Client:
    """A client of `server` once it has loaded `variant`."""
    client = Client(server, variant)
    try:
        client.load(on_progress)
    except BaseException:
        client.close()
        raise
    return client


def running_server(paths: WorkspacePaths) -> ServerFile | None:
    """The workspace's server, if one lives and answers."""
    if not is_locked(paths.server_lock):
        return None
    try:
        server = msgspec.json.decode(paths.server.read_bytes(), type=ServerFile)
    except (OSError, msgspec.MsgspecError):
        return None
    health = ask(server, "GET", "/health")
    return server if health is not None and health.get("pid") == server.pid else None


def connect(server: ServerFile, timeout: float | None) -> httpx.Client:
    """An HTTP client of the server; `timeout` in seconds for answers, None to wait for ever."""
    import httpx

    return httpx.Client(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.token}"},
        timeout=httpx.Timeout(timeout, connect=10),
        trust_env=False,
        verify=False,  # plain HTTP on loopback: there is no certificate, and loading authorities takes long
    )


def ask(server: ServerFile, method: str, path: str) -> dict[str, Any] | None:
    """The JSON that an endpoint of the server answers with; None when it refuses or does not answer."""
    import httpx

    try:
        with connect(server, timeout=10) as http:
            body = http.request(method, path).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None
    return body if isinstance(body, dict) else None


def find_or_start(workspace: Workspace, on_progress: Progress = lambda words: None) -> ServerFile:
    """The running server, or a new one. Two callers at once get the same."""
    paths = workspace.paths
    if (server := running_server(paths)) is not None:
        return server
    start = FileLock(paths.derived / "server.start.lock")
    if not start.acquire(timeout=START_SECONDS):
        raise BusyError(
            "The local server does not start",
            "Another process has been starting it for a minute.",
            f"Look into {paths.server_log}, then try again.",
        )
    with start:
        deadline = time.monotonic() + START_SECONDS
        while is_locked(paths.server_lock) and time.monotonic() < deadline:  # one is starting or stopping
            if (server := running_server(paths)) is not None:
                return server
            time.sleep(POLL_SECONDS)
        on_progress("starting the server")
        return await_server(paths, spawn_server(workspace, []))


def spawn_server(
    workspace: Workspace, options: list[str], *, detached: bool = True
) -> subprocess.Popen[bytes]:
    """Start the server's process; its log is `.temper/server.log`, begun anew.

    Detached, it outlives the terminal; else it is a child that gets the terminal's Ctrl-C too.
    """
    paths = workspace.paths
    paths.derived.mkdir(parents=True, exist_ok=True)
    # -P keeps the user's folder off sys.path: a file called torch.py there must not be imported.
    command = [sys.executable, "-P", "-m", "engine.serving.server", str(workspace.root), *options]
    with paths.server_log.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=workspace.root,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=detached,
        )
    hold(process)
    return process


def await_server(paths: WorkspacePaths, process: subprocess.Popen[bytes]) -> ServerFile:
    """The server that `process` becomes. Raises TemperError with the end of its log when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        server = running_server(paths) if paths.server.exists() else None
        if server is not None and server.pid == process.pid:
            return server
        time.sleep(POLL_SECONDS)
    tail = paths.server_log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
    raise TemperError(
        "The local server did not start",
        "\n".join(tail) or "It said nothing.",
        f"Its log is {paths.server_log}.",
    )


def serve_in_terminal(
    workspace: Workspace,
    variant: str | None,
    options: list[str],
    on_progress: Progress = lambda words: None,
) -> tuple[ServerFile, subprocess.Popen[bytes]]:
    """A server that lives as long as this process wants it, with `variant` loaded; it gets Ctrl-C too.

    An idle server that chat started makes way. Raises BusyError when another terminal has one or it is at
    work, else as ensure_server does.
    """
    name = describe(workspace, variant).name
    make_way(workspace)
    options = ["--variant", name, "--foreground", *options]
    process = spawn_server(workspace, options, detached=False)
    try:
        server = await_server(workspace.paths, process)
        loaded_client(server, name, on_progress).close()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return server, process


def make_way(workspace: Workspace) -> None:
    """Stop the workspace's background server. Raises BusyError when it is at work or another's."""
    paths = workspace.paths
    server = running_server(paths)
    if server is None:
        return
    if server.foreground or ask(server, "POST", "/stop") is None:
        doing = "in another terminal" if server.foreground else "and is answering"
        raise BusyError(
            "A server of this workspace runs already",
            f"Process {server.pid} listens on {server.url} {doing}.",
            "Use that one, or stop it first.",
        )
    deadline = time.monotonic() + START_SECONDS
    while is_locked(paths.server_lock) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


class Client:
    """Asks one server about one variant. `close` from any thread ends an answer under way."""

    def __init__(self, server: ServerFile, variant: str) -> None:
        self.server = server
        self.variant = variant
        self._closed = threading.Event()
        self._socket: socket.socket | None = None

    def load(self, on_progress: Progress = lambda words: None) -> None:
        """Have the variant loaded; returns when it is. Raises what ensure_server does."""
        for line in self._lines("/load", {"variant": self.variant}):
            step = msgspec.json.decode(line)
            if "error" in step:
                raise error_from(step)
            if "words" in step:
                on_progress(step["words"])

    def chat(
        self,
        messages: list[Message],
        retrieval: bool = True,
        *,
        kb: str | None = None,
        prompt: str | None = None,
        output: OutputFormat | None = None,
    ) -> Iterator[ChatDelta]:
        """Pieces of the answer as they come; the last has a finish_reason. Ends early once closed.

        `kb`, `prompt` (its text) and `output` stand in for the variant's own. Raises BusyError when a job
        has the device, UsageError for a conversation that the model cannot take or an output that cannot be
        enforced, TemperError when the server is lost.
        """
        extras = {"retrieval": retrieval, "kb": kb, "prompt": prompt, "output": output}
        body = {"model": self.variant, "messages": messages, "stream": True, "temper": extras}
        for line in self._lines("/v1/chat/completions", body):
            delta = parse_event(line)
            if delta is not None:
                yield delta

    def close(self) -> None:
        """End the answer under way and let go of the server, which goes on for others."""
        self._closed.set()
        if self._socket is not None:
            # Closing a socket does not wake a thread that reads from it; shutting it down does.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _lines(self, path: str, body: dict[str, Any]) -> Iterator[str]:
        """The lines of a streamed response. Ends in silence when closed meanwhile."""
        import httpx

        if self._closed.is_set():
            return
        content = msgspec.json.encode(body)
        try:
            # One HTTP client per answer, closed by the thread that reads from it: one closed by another
            # thread while it connects would leave the connection open. No time limit: a first answer may
            # wait for a conversion.
            with (
                connect(self.server, timeout=None) as http,
                http.stream("POST", path, content=content) as response,
            ):
                self._remember_socket(response)
                if self._closed.is_set():
                    return
                if response.status_code != 200:
                    raise error_from(read_json(response.read()), response.status_code)
                for line in response.iter_lines():
                    if line and not self._closed.is_set():
                        yield line
        except (httpx.TransportError, httpx.StreamError, RuntimeError) as error:
            if self._closed.is_set():
                return
            raise ServerLost(
                "The local server was lost",
                f"{type(error).__name__}: {error}",
                "Ask again: it is started anew. Its log is .temper/server.log.",
            ) from error

    def _remember_socket(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        self._socket = stream.get_extra_info("socket") if stream is not None else None


def parse_event(line: str) -> ChatDelta | None:
    """The delta of a server-sent event's line; None where it has none. Raises the error that it carries."""
    data = line.removeprefix("data: ")
    if data == "[DONE]" or data == line:
        return None
    event = msgspec.json.decode(data)
    if "error" in event:
        raise error_from(event)
    if not event["choices"]:
        return None
    text = event["choices"][0]["delta"].get("content", "")
    if "temper" not in event:
        return ChatDelta(text, trace=event["id"])
    last = msgspec.convert(event["temper"], ChatDelta)
    last.text, last.trace = text, event["id"]
    return last


def read_json(data: bytes) -> Any:
    """The value of a JSON body, None when it is none."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
