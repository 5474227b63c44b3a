"""The worker process: how runs end, how they are stopped, how they queue for the device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from engine.jobs import launch
from engine.jobs.evaluate import EvaluateParams
from engine.jobs.queue import device_name
from store import runs
from store.leases import DeviceLease
from store.records.events import Finished, Lease, Queued
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import end, events_of, kill, pid_of, play, wait_until

DEVICE = device_name()


@pytest.fixture
def lease() -> Iterator[DeviceLease]:
    """The device, held by somebody else."""
    held = DeviceLease(DEVICE)
    assert held.acquire(os.getpid(), "somebody-else")
    yield held
    held.release()


def needy(workspace: Workspace) -> RunFolder:
    """A run that needs the device, and fails quickly once it has it: its suite is not there."""
    return launch.start(workspace, "evaluate", EvaluateParams("none"), "needs the device")


def test_a_run_ends_with_a_finished_event_that_holds_its_result(workspace: Workspace) -> None:
    folder = play(workspace, [{"kind": "finished", "status": "finished", "result": {"answer": 42}}])
    end(folder)
    view = runs.view(folder)
    assert (view.state, view.result) == ("finished", {"answer": 42})
    assert isinstance(runs.read_events(folder.events)[-1], Finished)


def test_an_error_is_kept_in_three_parts_with_its_exit_code_and_the_traceback_in_the_log(
    workspace: Workspace,
) -> None:
    folder = needy(workspace)
    end(folder)
    view = runs.view(folder)
    assert view.state == "failed"
    assert view.error is not None
    assert (view.error.title, view.error.exit_code) == ("No such suite", 3)
    assert "Traceback" in folder.log_tail(100)


def test_an_unexpected_exception_fails_the_run_like_any_error(workspace: Workspace) -> None:
    folder = play(workspace, [{"kind": "no such kind"}])
    end(folder)
    view = runs.view(folder)
    assert view.state == "failed"
    assert view.error is not None
    assert "ValidationError" in view.error.happened


@pytest.mark.parametrize("way", ["control file", "SIGTERM"])
def test_a_run_stops_when_it_is_asked_to(workspace: Workspace, way: str) -> None:
    folder = play(workspace, hold=True)
    if way == "SIGTERM":
        os.kill(pid_of(folder), signal.SIGTERM)
    else:
        folder.request_stop()
    end(folder)
    assert runs.view(folder).state == "cancelled"


def test_ctrl_c_in_the_terminal_does_not_reach_a_worker(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    with open(f"/proc/{pid_of(folder)}/status", encoding="utf-8") as status:
        ignored = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn"))
    assert ignored >> (signal.SIGINT - 1) & 1


def test_a_run_that_needs_the_device_waits_and_says_who_has_it(
    workspace: Workspace, lease: DeviceLease
) -> None:
    folder = needy(workspace)
    wait_until(lambda: events_of(folder, Queued))
    (queued,) = events_of(folder, Queued)
    assert isinstance(queued, Queued)
    assert (queued.device, queued.holder) == (DEVICE, "somebody-else")
    assert queued.since
    assert runs.view(folder).state == "waiting"


def test_a_run_in_the_queue_loads_nothing_heavy(workspace: Workspace, lease: DeviceLease) -> None:
    folder = needy(workspace)
    wait_until(lambda: events_of(folder, Queued))
    with open(f"/proc/{pid_of(folder)}/maps", encoding="utf-8") as maps:
        loaded = maps.read()
    assert "libtorch" not in loaded
    assert "libllama" not in loaded


def test_a_run_is_stopped_while_it_waits_and_never_gets_the_device(
    workspace: Workspace, lease: DeviceLease
) -> None:
    folder = needy(workspace)
    wait_until(lambda: events_of(folder, Queued))
    folder.request_stop()
    end(folder)
    assert runs.view(folder).state == "cancelled"
    assert events_of(folder, Lease) == []


def test_a_run_that_needs_no_device_does_not_queue(workspace: Workspace, lease: DeviceLease) -> None:
    folder = play(workspace)
    end(folder)
    assert runs.view(folder).state == "finished"


def test_a_waiting_run_begins_when_the_holder_is_killed(workspace: Workspace) -> None:
    code = (
        "import os, sys\nfrom store.leases import DeviceLease\n"
        "assert DeviceLease(sys.argv[1]).acquire(os.getpid(), 'a process to be killed')\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-P", "-c", code, DEVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    folder = needy(workspace)
    wait_until(lambda: events_of(folder, Queued))
    holder.kill()
    holder.communicate()
    end(folder)
    (leased,) = events_of(folder, Lease)
    assert isinstance(leased, Lease)
    assert leased.waited_seconds > 0


def test_a_killed_worker_reads_as_died_with_the_end_of_its_log(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    folder.log.write_text("what it said last\n", encoding="utf-8")
    kill(folder)
    view = runs.view(folder)
    assert view.state == "died"
    assert view.log_tail == "what it said last"
    assert view.ended == view.last_event
