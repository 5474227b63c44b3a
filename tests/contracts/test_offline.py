"""The socket guard: this machine can be reached, nothing else, whoever asks; only the user lifts it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from engine import offline
from engine.offline import NetworkRefused, is_loopback
from store import clock, runs
from store.errors import TemperError
from store.records.runs import RunSpec
from tests.contracts.interpreter import ROOT, run_python

# addresses that are there for documents (RFC 5737, RFC 3849): a hole in the guard would reach no one
NOWHERE = "192.0.2.1"
NOWHERE_6 = "2001:db8::1"


@pytest.fixture
def listener() -> Iterator[tuple[str, int]]:
    """A TCP port of this machine that accepts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def connect(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5):
        pass


def connect_directly() -> None:
    with socket.socket() as it:
        it.settimeout(5)
        it.connect((NOWHERE, 9))


def connect_without_error() -> None:
    with socket.socket() as it:
        it.settimeout(5)
        it.connect_ex((NOWHERE, 9))


def connect_over_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as it:
        it.settimeout(5)
        it.connect((NOWHERE_6, 9))


def send_a_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as it:
        it.sendto(b"x", (NOWHERE, 9))


def send_a_datagram_in_parts() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as it:
        it.sendmsg([b"x"], [], 0, (NOWHERE, 9))


def connect_from_an_event_loop() -> None:
    async def attempt() -> None:
        await asyncio.open_connection(NOWHERE, 9)

    asyncio.run(attempt())


ATTEMPTS: list[Callable[[], object]] = [
    connect_directly,
    connect_without_error,
    connect_over_ipv6,
    send_a_datagram,
    send_a_datagram_in_parts,
    connect_from_an_event_loop,
    lambda: socket.getaddrinfo("example.invalid", 443),
    lambda: socket.getaddrinfo(b"example.invalid", 443),
    lambda: socket.gethostbyname("example.invalid"),
    lambda: socket.gethostbyname_ex("example.invalid"),
    lambda: socket.gethostbyaddr(NOWHERE),
    lambda: socket.getnameinfo((NOWHERE, 9), 0),
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nothing_beyond_this_machine_is_reached(attempt: Callable[[], object]) -> None:
    with pytest.raises(NetworkRefused):
        attempt()


def test_a_thread_is_guarded_too() -> None:
    seen: list[BaseException] = []

    def attempt() -> None:
        try:
            connect_directly()
        except OSError as error:
            seen.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert [type(error) for error in seen] == [NetworkRefused]


def test_loopback_answers_by_name_and_by_number(listener: tuple[str, int]) -> None:
    connect(listener)
    connect(("localhost", listener[1]))


def test_datagrams_reach_this_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as ours, socket.socket(type=socket.SOCK_DGRAM) as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.settimeout(5)
        ours.sendto(b"hello", theirs.getsockname())
        assert theirs.recv(16) == b"hello"


def test_unix_sockets_work(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        client.sendall(b"hello")
        with server.accept()[0] as accepted:
            assert accepted.recv(16) == b"hello"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost", b"127.0.0.1", ""]
)
def test_these_are_this_machine(host: str | bytes) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", NOWHERE, NOWHERE_6, "fe80::1%lo", "localhost.example.invalid", "127.0.0.1.example.invalid"],
)
def test_these_are_not(host: str) -> None:
    assert not is_loopback(host)


def test_the_refusal_is_a_titled_error_and_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="Temper stays on this machine") as caught:
        connect_directly()
    assert isinstance(caught.value, TemperError)
    assert NOWHERE in caught.value.happened
    assert "TEMPER_ALLOW_NETWORK=1" in caught.value.remedy


def test_httpx_takes_it_for_a_machine_without_a_network() -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{NOWHERE}/")


def test_a_proxy_on_this_machine_is_no_way_out(
    listener: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listener[1]}")
    offline.guard()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{NOWHERE}/")


def test_the_hub_and_the_vector_store_are_told_to_stay_at_home() -> None:
    told = {
        name: os.environ[name] for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "ANONYMIZED_TELEMETRY")
    }
    assert told == {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}


def test_the_hub_client_gives_up_at_once() -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download("someone/something", "config.json")


def test_the_user_can_lift_it() -> None:
    attempt = (
        "import socket; from engine import offline; offline.guard()\n"
        f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('{NOWHERE}', 9)); print('reached')"
    )
    refused = run_python(attempt, check=False)
    assert "NetworkRefused" in refused.stderr
    allowed = run_python(attempt, {"TEMPER_ALLOW_NETWORK": "1"}, check=False)
    # without any route the system itself refuses; the guard must not
    assert "NetworkRefused" not in allowed.stderr


def test_a_guard_cannot_be_lifted_from_within(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPER_ALLOW_NETWORK", "1")
    offline.guard()
    with pytest.raises(NetworkRefused):
        connect_directly()


def test_children_inherit_the_environment() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    inherited = json.loads(told.stdout)
    assert inherited["HF_HUB_OFFLINE"] == "1"
    assert "TEMPER_ALLOW_NETWORK" not in inherited


AFTERWARDS = f"""
import socket
try:
    socket.create_connection(('{NOWHERE}', 9), 5)
except OSError as error:
    print(type(error).__name__)
"""


def test_the_command_line_is_guarded() -> None:
    start = "import sys; sys.argv = ['temper', '--help']; from app.cli.main import main"
    done = run_python(f"{start}\ntry:\n    main()\nexcept SystemExit:\n    pass{AFTERWARDS}")
    assert done.stdout.splitlines()[-1] == "NetworkRefused"


def test_a_worker_is_guarded(tmp_path: Path) -> None:
    spec = RunSpec("scripted-a", "scripted", clock.stamp(), str(tmp_path), params={"events": []})
    folder = runs.create(tmp_path / "runs", spec)
    start = f"import runpy, sys; sys.argv = ['worker', {str(folder.path)!r}]"
    work = "runpy.run_module('engine.jobs.worker', run_name='__main__')"
    done = run_python(f"{start}\ntry:\n    {work}\nexcept SystemExit:\n    pass{AFTERWARDS}")
    assert runs.view(folder).state == "finished"
    assert done.stdout.splitlines()[-1] == "NetworkRefused"


def test_every_program_of_the_packages_installs_it() -> None:
    unguarded = []
    for file in (path for package in ("app", "engine", "store") for path in (ROOT / package).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in text and "offline.guard()" not in text:
            unguarded.append(file.relative_to(ROOT).as_posix())
    # what llama.cpp ships has its process to itself and must find nothing of ours in it
    assert sorted(unguarded) == [
        "engine/export/converter_process.py",
        "engine/export/ship/tensors_process.py",
    ]
