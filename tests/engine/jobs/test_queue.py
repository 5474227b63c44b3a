"""Waiting for the device: who is told what, when one leaves, how an idle server lets go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from engine.jobs import queue
from engine.jobs.context import Stopped
from store.leases import DeviceLease, Holder
from store.records.serving import ServerFile

TOKEN = "a token"


def claim_of(lease: DeviceLease) -> bool:
    return lease.acquire(os.getpid(), "mine")


def never() -> None:
    """No stop was asked for."""


class IdleServer:
    """Holds the device as a server with nothing to do does; lets go when it is asked to with its token."""

    def __init__(self, folder: Path, status: int = 200) -> None:
        self.lease = DeviceLease("cpu")
        self.asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.asked += 1
                known = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/release"
                if known and status == 200:
                    server.lease.release()
                self.send_response(status if known else 401)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        self.file = folder / "server.json"
        url = f"http://127.0.0.1:{self.http.server_port}"
        self.file.write_bytes(msgspec.json.encode(ServerFile(url, TOKEN, os.getpid(), "base", "0")))
        assert self.lease.acquire(os.getpid(), "server", server=str(self.file))

    def close(self) -> None:
        """Stop answering."""
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()
        self.lease.release()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IdleServer]:
    idle = IdleServer(tmp_path)
    yield idle
    idle.close()


def test_a_free_device_is_taken_without_a_word() -> None:
    lease = DeviceLease("cpu")
    told: list[Holder] = []
    queue.wait_for_device(lease, lambda: claim_of(lease), told.append, never)
    assert lease.held
    assert told == []
    lease.release()


def test_each_holder_in_the_way_is_told_once() -> None:
    ours = DeviceLease("cpu")
    first, second = DeviceLease("cpu"), DeviceLease("cpu")
    assert first.acquire(1, "first")
    told: list[Holder] = []
    asked = 0

    def claim() -> bool:
        nonlocal asked
        asked += 1
        if asked == 4:
            first.release()
            assert second.acquire(2, "second")
        if asked == 7:
            second.release()
        return claim_of(ours)

    queue.wait_for_device(ours, claim, told.append, never)
    assert [holder.what for holder in told] == ["first", "second"]
    ours.release()


def test_a_stop_leaves_the_queue_and_the_device_alone() -> None:
    theirs, ours = DeviceLease("cpu"), DeviceLease("cpu")
    assert theirs.acquire(1, "theirs")

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        queue.wait_for_device(ours, lambda: claim_of(ours), lambda holder: None, stop)
    assert theirs.held
    assert not ours.held
    theirs.release()


def test_an_idle_server_is_asked_to_let_go(server: IdleServer) -> None:
    ours = DeviceLease("cpu")
    queue.wait_for_device(ours, lambda: claim_of(ours), lambda holder: None, never)
    assert ours.held
    assert server.asked == 1
    ours.release()


def test_a_server_that_is_busy_or_gone_does_not_let_go(tmp_path: Path) -> None:
    busy = IdleServer(tmp_path, status=409)
    assert not queue.ask_to_release(busy.file)
    busy.close()
    assert not queue.ask_to_release(busy.file)
    assert not queue.ask_to_release(tmp_path / "none.json")


@pytest.mark.parametrize(("words", "device"), [("GPU-123\nGPU-456", "GPU-123"), ("", "cpu")])
def test_the_device_is_the_first_gpu_of_the_drivers_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, device: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' '{words}'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert queue.device_name() == device


def test_a_driver_that_fails_leaves_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert queue.device_name() == "cpu"


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("1", ["GPU-bb"]),
        ("2,0", ["GPU-bc", "GPU-a"]),
        ("GPU-a", ["GPU-a"]),
        ("GPU-b", []),  # it could be two
        ("0,7,1", ["GPU-a"]),  # CUDA reads no further than to what it does not know
        ("-1", []),
        ("MIG-c,0", ["MIG-c", "GPU-a"]),
    ],
)
def test_only_gpus_that_cuda_sees_are_counted_in_its_order(asked: str, seen: list[str]) -> None:
    assert queue.visible(["GPU-a", "GPU-bb", "GPU-bc"], asked) == seen


@pytest.mark.parametrize(
    ("held", "seen"),
    [(["GPU-456"], "GPU-456"), (["GPU-123", "GPU-456"], None), (["cpu"], None)],
)
def test_a_process_sees_the_gpus_that_it_holds_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: list[str], seen: str | None
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf 'GPU-123\\nGPU-456\\n'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # so that it is put back to what it was
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    queue.keep_to(held)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == seen
    if seen:
        assert queue.gpu_names() == held


def test_hidden_gpus_leave_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho GPU-123\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert queue.device_name() == "cpu"


@pytest.mark.parametrize(
    ("words", "processes", "taken"),
    [
        ("GPU-b\nGPU-a\nGPU-c", 1, ["GPU-b"]),
        ("GPU-b\nGPU-a\nGPU-c", 2, ["GPU-a", "GPU-b"]),  # sorted: no two runs wait for each other
        ("", 2, ["cpu"]),
    ],
)
def test_a_run_in_several_processes_takes_a_gpu_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, processes: int, taken: list[str]
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' '{words}'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert queue.devices(processes) == taken


def test_programs_on_the_gpu_are_named_with_pid_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '71, /usr/bin/ollama, 4096 MiB'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert queue.programs_on_gpu() == [queue.GpuProgram(71, "/usr/bin/ollama", "4096 MiB")]
