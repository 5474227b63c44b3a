"""The warm worker: what it does with a run is what a cold one does; without one a cold one does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.jobs import launch, warm
from engine.jobs.evaluate import EvaluateParams
from engine.jobs.queue import device_name
from engine.jobs.scripted import ScriptedParams
from engine.jobs.warm import WarmWorker
from store import runs
from store.leases import DeviceLease
from store.records.events import Lease, Queued, Started
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import end, events_of, pid_of, wait_until

pytestmark = pytest.mark.training


@contextmanager
def warm_worker() -> Iterator[WarmWorker]:
    """A worker that is warm; no fixture, since pytest changes the environment between those and the test."""
    worker = WarmWorker("sft")
    try:
        wait_until(lambda: worker.ready is not None or not worker.alive)
        assert worker.ready is not None
        yield worker
    finally:
        worker.close()


def hand_over(workspace: Workspace, worker: WarmWorker | None, hold: bool = True) -> RunFolder:
    """A scripted run for the worker."""
    return launch.start(workspace, "scripted", ScriptedParams(hold=hold), "warm", warm=worker)


def test_a_warm_worker_has_imported_torch_says_what_it_holds_and_takes_no_device() -> None:
    with warm_worker() as warmed:
        assert warmed.ready is not None
        maps = Path(f"/proc/{warmed.pid}/maps").read_text(encoding="utf-8")
        assert "libtorch" in maps
        assert 100e6 < warmed.ready.memory_bytes < 3e9
        lease = DeviceLease(device_name())
        assert lease.acquire(os.getpid(), "a test")
        lease.release()


def test_a_run_that_is_handed_over_is_done_by_the_warm_worker_as_by_a_cold_one(workspace: Workspace) -> None:
    with warm_worker() as warmed:
        folder = hand_over(workspace, warmed)
        assert pid_of(folder) == warmed.pid
        assert os.readlink(f"/proc/{warmed.pid}/cwd") == str(folder.path)
        assert os.readlink(f"/proc/{warmed.pid}/fd/2") == str(folder.log)
        assert os.readlink(f"/proc/{warmed.pid}/fd/0") == os.devnull
        assert os.getsid(warmed.pid) == warmed.pid
        os.kill(warmed.pid, signal.SIGTERM)  # as polite as `temper runs stop`
        end(folder)
        assert runs.view(folder).state == "cancelled"


def test_a_warm_worker_says_started_then_waits_in_the_queue_then_has_the_lease(workspace: Workspace) -> None:
    with warm_worker() as warmed:
        held = DeviceLease(device_name())
        assert held.acquire(os.getpid(), "somebody-else")
        folder = launch.start(workspace, "evaluate", EvaluateParams("none"), "queues", warm=warmed)
        wait_until(lambda: events_of(folder, Queued))
        assert (runs.view(folder).state, pid_of(folder)) == ("waiting", warmed.pid)
        held.release()
        end(folder)
        kinds = [type(event) for event in runs.read_events(folder.events)][:3]
        assert kinds == [Started, Queued, Lease]


def test_a_warm_worker_that_has_died_is_replaced_by_a_cold_one(workspace: Workspace) -> None:
    with warm_worker() as warmed:
        os.kill(warmed.pid, signal.SIGKILL)
        wait_until(lambda: not warmed.alive)
        folder = hand_over(workspace, warmed)
        assert pid_of(folder) != warmed.pid
        assert len(events_of(folder, Started)) == 1


def test_a_warm_worker_that_dies_with_the_run_in_its_hands_is_replaced_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warm_worker() as warmed:
        say = WarmWorker._say

        def say_and_die(self: WarmWorker, line: str) -> bool:
            os.kill(self.pid, signal.SIGSTOP)  # it never reads the line
            said = say(self, line)
            os.kill(self.pid, signal.SIGKILL)
            return said

        monkeypatch.setattr(WarmWorker, "_say", say_and_die)
        folder = hand_over(workspace, warmed)
        assert pid_of(folder) != warmed.pid
        assert runs.view(folder).state in ("waiting", "running")


def test_a_worker_that_is_not_warm_yet_is_not_waited_for(workspace: Workspace) -> None:
    worker = WarmWorker("sft")
    folder = hand_over(workspace, worker)
    assert pid_of(folder) != worker.pid
    assert not worker.alive


def test_a_worker_that_was_warmed_in_another_environment_is_not_used(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warm_worker() as warmed:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert pid_of(hand_over(workspace, warmed)) != warmed.pid


def test_a_warm_worker_ends_when_nobody_is_there_to_hand_it_a_run() -> None:
    with warm_worker() as warmed:
        assert warmed._process.stdin is not None
        warmed._process.stdin.close()
        wait_until(lambda: not warmed.alive)
        assert warmed._process.returncode == 0


def test_a_warm_worker_that_is_left_alone_ends_by_itself() -> None:
    code = (
        "import sys\nfrom engine.jobs import warm\n"
        "warm.IDLE_SECONDS, warm.load = 0.05, lambda objective: None\nsys.exit(warm.wait('sft'))\n"
    )
    left = subprocess.Popen([sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert left.wait(timeout=60) == 0
    assert left.stdout is not None
    assert left.stdin is not None
    assert b"memory_bytes" in left.stdout.read()
    left.stdout.close()
    left.stdin.close()


def test_no_worker_is_warmed_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "LEAST_FREE", 1 << 60)
    assert warm.start("sft") is None


def test_what_is_started_without_a_warm_worker_never_makes_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "WarmWorker", None)
    end(hand_over(workspace, None, hold=False))
