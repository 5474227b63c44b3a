"""The server as a real process: who may ask, what comes back, whom it makes way for, how it ends."""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from engine.jobs.queue import ask_to_release, device_name
from engine.serving.client import ensure_server, running_server, spawn_server
from store.errors import BusyError, UsageError
from store.leases import DeviceLease
from store.locks import is_locked
from store.records.data import Message
from store.records.serving import ServerFile
from store.workspace import Workspace
from tests.engine.serving.stage import call, server_of, stop, traces, until

HELLO = [{"role": "user", "content": "Hello"}]
QUESTION = [Message("user", "Hello")]
CHAT = "/v1/chat/completions"
# so hot that hardly ever an end is drawn: goes on until the context is full
LONG = {"messages": HELLO, "stream": True, "temperature": 50, "max_tokens": 100_000}


@contextmanager
def streams(server: ServerFile, count: int) -> Iterator[None]:
    """So many long answers asked for at once, the first of them under way; given up at the end.

    Plain connections, each closed by us: an HTTP library's pool closed while it connects leaves sockets open.
    """
    where = urlsplit(server.url)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    with ExitStack() as given_up:
        asked = []
        for seed in range(count):
            connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
            given_up.callback(connection.close)
            connection.request("POST", CHAT, json.dumps(LONG | {"seed": seed}), headers)
            asked.append(connection.sock)
        select.select(asked, [], [], 60)
        yield


def lease() -> DeviceLease:
    return DeviceLease(device_name())


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/nothing"])
def test_nobody_comes_in_without_the_token(server: ServerFile, path: str) -> None:
    assert call(server, "GET", path, token="wrong").status_code == 401
    assert httpx.get(server.url + path, trust_env=False).status_code == 401


def test_the_file_that_holds_the_token_is_the_owners_alone(server: ServerFile, workspace: Workspace) -> None:
    assert stat.S_IMODE(workspace.paths.server.stat().st_mode) == 0o600
    assert server.url.startswith("http://127.0.0.1:")
    assert (server.variant, len(server.variant_sha256)) == ("base", 64)


def test_health_says_what_is_loaded(server: ServerFile) -> None:
    health = call(server, "GET", "/health").json()
    assert (health["pid"], health["state"], health["busy"]) == (server.pid, "ready: base", False)


def test_models_are_the_variants_and_models_of_the_workspace(server: ServerFile) -> None:
    listed = call(server, "GET", "/v1/models").json()["data"]
    assert [model["id"] for model in listed] == ["base", "other", "tiny"]


def test_an_answer_is_the_same_whole_and_streamed(server: ServerFile) -> None:
    whole = call(server, "POST", CHAT, {"messages": HELLO}).json()
    streamed = call(server, "POST", CHAT, {"messages": HELLO, "stream": True}).text
    events = [line.removeprefix("data: ") for line in streamed.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    chunks = [msgspec.json.decode(event)["choices"][0] for event in events]
    text = "".join(chunk["delta"].get("content", "") for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[0]["delta"]["role"] == "assistant"
    assert [chunk["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert whole["model"] == "base"
    assert whole["usage"]["total_tokens"] == sum(
        whole["usage"][part] for part in ("prompt_tokens", "completion_tokens")
    )
    assert whole["temper"]["timings"]["total_ms"] > 0


def test_usage_comes_as_an_event_of_its_own_where_asked_for(server: ServerFile) -> None:
    body = {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    events = call(server, "POST", CHAT, body).text.strip().split("\n\n")
    assert '"usage"' in events[-2]


def test_max_tokens_is_honoured(server: ServerFile) -> None:
    body = {"messages": HELLO, "max_tokens": 1, "temperature": 50}
    answer = call(server, "POST", CHAT, body).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 1


def test_what_is_not_supported_is_a_400_in_openais_shape(server: ServerFile) -> None:
    response = call(server, "POST", CHAT, {"messages": HELLO, "n": 2})
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", "n")


def test_an_unknown_model_is_refused_with_those_there_are(server: ServerFile) -> None:
    response = call(server, "POST", CHAT, {"messages": HELLO, "model": "gpt-9"})
    assert response.status_code == 400
    assert "base" in response.json()["error"]["message"]


def test_a_question_too_long_is_refused_before_the_stream_begins_and_traced(
    server: ServerFile, workspace: Workspace
) -> None:
    long = [{"role": "user", "content": "wallet " * 3000}]
    response = call(server, "POST", CHAT, {"messages": long, "stream": True})
    assert response.status_code == 400
    last = traces(workspace)[-1]
    assert (last.finish_reason, last.answer) == ("error", "")
    assert "longer than the model can read" in last.error


def test_every_answer_leaves_a_trace(server: ServerFile, workspace: Workspace) -> None:
    answer = call(server, "POST", CHAT, {"messages": HELLO}).json()
    last = traces(workspace)[-1]
    assert last.trace_id == answer["id"]
    assert (last.variant, last.messages) == ("base", QUESTION)
    assert last.answer == answer["choices"][0]["message"]["content"]
    assert last.completion_tokens == answer["usage"]["completion_tokens"]


def test_a_client_knows_the_trace_of_an_answer_from_its_first_piece_on(
    workspace: Workspace, server: ServerFile
) -> None:
    pieces = list(ensure_server(workspace).chat(QUESTION))
    assert {piece.trace for piece in pieces} == {traces(workspace)[-1].trace_id}


def test_clients_that_go_away_end_their_answers(server: ServerFile, workspace: Workspace) -> None:
    before = len(traces(workspace))
    with streams(server, 8):
        pass
    until(lambda: not call(server, "GET", "/health").json()["busy"])
    new = traces(workspace)[before:]
    assert sum(trace.finish_reason != "stopped" for trace in new) < 8
    assert len(new) < 8 or new[-1].finish_reason == "stopped"


def test_closing_a_client_from_another_thread_ends_its_stream(
    workspace: Workspace, server: ServerFile
) -> None:
    client = ensure_server(workspace)
    stream = client.chat(QUESTION)
    next(stream)
    closing = threading.Thread(target=client.close)
    closing.start()
    rest = list(stream)
    closing.join()
    assert all(delta.text or delta.finish_reason for delta in rest)
    assert call(server, "POST", CHAT, {"messages": HELLO}).status_code == 200


def test_questions_at_once_have_the_answer_of_one_alone(workspace: Workspace, server: ServerFile) -> None:
    def asked(_: int) -> str:
        return str(call(server, "POST", CHAT, {"messages": HELLO}).json()["choices"][0]["message"]["content"])

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(asked, range(8)))
    assert len(answers) == 1


def test_the_device_is_held_while_loaded_and_given_back_when_asked(
    workspace: Workspace, server: ServerFile
) -> None:
    holder = lease().holder()
    assert holder is not None
    assert (holder.pid, holder.server) == (server.pid, str(workspace.paths.server))
    assert ask_to_release(workspace.paths.server)
    assert lease().holder() is None
    assert server_of(workspace).variant_sha256 == ""
    assert call(server, "POST", CHAT, {"messages": HELLO}).status_code == 200  # loads again
    holder = lease().holder()
    assert holder is not None
    assert holder.pid == server.pid


def test_an_answering_server_does_not_let_go(server: ServerFile) -> None:
    with streams(server, 8):
        assert call(server, "POST", "/release").status_code == 409
        assert call(server, "POST", "/stop").status_code == 409


def test_while_a_job_has_the_device_it_says_who_and_since_when(
    workspace: Workspace, server: ServerFile
) -> None:
    assert ask_to_release(workspace.paths.server)
    job = lease()
    assert job.acquire(os.getpid(), "train-20260131-100000-3fa9", str(workspace.root))
    try:
        with pytest.raises(BusyError, match=r"train-20260131-100000-3fa9.*since"):
            ensure_server(workspace)
        assert call(server, "POST", CHAT, {"messages": HELLO}).status_code == 503
    finally:
        job.release()
    ensure_server(workspace).close()


def test_another_variant_is_loaded_when_asked_for(workspace: Workspace, server: ServerFile) -> None:
    ensure_server(workspace, "other").close()
    assert server_of(workspace).variant == "other"
    answer = call(server, "POST", CHAT, {"messages": HELLO, "model": "base"}).json()
    assert answer["model"] == "base"
    assert server_of(workspace).pid == server.pid


def test_changed_settings_are_loaded_without_a_restart(workspace: Workspace, server: ServerFile) -> None:
    ensure_server(workspace, "other").close()
    before = server_of(workspace)
    (workspace.root / "other.md").write_text("Be verbose.", encoding="utf-8")
    ensure_server(workspace, "other").close()
    after = server_of(workspace)
    assert after.pid == before.pid
    assert after.variant_sha256 != before.variant_sha256


def test_an_unknown_variant_is_refused_before_anything_is_started(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="nothing-like-it"):
        ensure_server(workspace, "nothing-like-it")


def test_a_missing_knowledge_base_is_refused(workspace: Workspace, server: ServerFile) -> None:
    body = {"messages": HELLO, "temper": {"kb": "nothing"}}
    response = call(server, "POST", CHAT, body)
    assert response.status_code in (400, 404)
    assert "nothing" in response.json()["error"]["message"]


def test_after_a_kill_the_next_question_starts_another_server(
    workspace: Workspace, server: ServerFile
) -> None:
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not is_locked(workspace.paths.server_lock))
    assert workspace.paths.server.exists()  # stale, and believed by nobody
    assert running_server(workspace.paths) is None
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:  # two at once start one
        clients = list(pool.map(lambda _: ensure_server(workspace, None, said.append), range(2)))
    assert {client.server.pid for client in clients} == {server_of(workspace).pid} != {server.pid}
    assert said.count("starting the server") == 1
    last = list(clients[0].chat(QUESTION))[-1]
    assert last.finish_reason in ("stop", "length")
    for client in clients:
        client.close()
    stop(workspace)
    assert not workspace.paths.server.exists()


def test_an_idle_server_ends_by_itself_and_leaves_no_file(workspace: Workspace) -> None:
    stop(workspace)
    process = spawn_server(workspace, ["--idle-minutes", "0.001"])
    until(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert not workspace.paths.server.exists()
