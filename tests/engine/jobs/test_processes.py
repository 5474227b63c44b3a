"""Two real runs in two processes each: one loses a process and is taken up again, one is asked to stop.

They are played once; each test looks at one thing that they left behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import psutil
import pytest

from engine.jobs import launch
from engine.jobs.ranks import Ended, Killed, reason
from engine.jobs.train import TrainParams
from engine.models import adapters
from engine.training.checkpoints import WRITING, step_of, verify
from engine.training.health import DivergedError
from store import runs
from store.locks import is_locked
from store.records.events import Checkpoint, Failure, Lease, Notice, Queued, Resumed, Started, Step
from store.records.recipe import Lora, Recipe
from store.records.runs import RunView
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.workers import await_event, await_work, end, events_of, kill_all, wait_until

pytestmark = pytest.mark.training

RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    max_steps=100_000,
    batch_size=2,
    max_length=64,
    schedule="constant",
    checkpoint_every=2,
    # random numbers decide: what goes on without those of each process is seen in its losses
    lora=Lora(rank=2, alpha=4, target="q_proj", dropout=0.2),
)
TOGETHER = TrainParams(RECIPE, launcher="accelerate", processes=2)
COMPARED = 8
"""Steps of both runs that are laid side by side."""


class Story(msgspec.Struct):
    """What was left. `broken` was read when one of its processes had been killed, `orphans` are its processes
    when its worker was killed at last."""

    workspace: Workspace
    steady: RunFolder
    resumed: RunFolder
    broken: RunView
    orphans: list[int]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("processes")
    workspace = make_workspace(home / "wallet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        patch.setenv("OMP_NUM_THREADS", "1")
        try:
            yield played(workspace)
        finally:
            kill_all(workspace)


def played(workspace: Workspace) -> Story:
    """Run it from beginning to end."""
    broken = launch.start(workspace, "train", TOGETHER, "to lose a process")
    await_event(broken, Lease)
    steady = launch.start(workspace, "train", TOGETHER, "to be stopped")
    await_event(steady, Queued)
    await_event(broken, Checkpoint)
    os.kill(processes_of(broken)[1], signal.SIGKILL)
    end(broken)
    failed = runs.view(broken)
    await_event(steady, Lease)
    launch.resume(broken)
    await_work(steady, lambda: last_step(steady) >= COMPARED)
    steady.request_stop()
    end(steady)
    await_work(broken, lambda: events_of(broken, Resumed) and last_step(broken) >= COMPARED)
    orphans = list(processes_of(broken).values())
    os.kill(worker_of(broken), signal.SIGKILL)
    wait_until(lambda: not is_locked(broken.lock))
    return Story(workspace, steady, broken, failed, orphans)


def worker_of(folder: RunFolder) -> int:
    """The process id of the newest worker."""
    return [event.pid for event in events_of(folder, Started) if isinstance(event, Started)][-1]


def processes_of(folder: RunFolder) -> dict[int, int]:
    """The process ids of the processes that train, by their number."""
    children = psutil.Process(worker_of(folder)).children()
    return {int(one.environ()["RANK"]): one.pid for one in children if "engine.jobs.rank" in one.cmdline()}


def last_step(folder: RunFolder) -> int:
    steps = runs.curve(runs.read_events(folder.events))
    return steps[-1].step if steps else 0


def losses_of(folder: RunFolder) -> list[float]:
    return [step.loss for step in runs.curve(runs.read_events(folder.events))[:COMPARED]]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for has."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_run_that_loses_a_process_fails_with_the_reason_and_the_way_on(story: Story) -> None:
    assert story.broken.state == "failed"
    error = story.broken.error
    assert error is not None
    assert error.title == "A process of the run died"
    assert "Process 1 of 2" in error.happened
    assert "was killed by SIGKILL" in error.happened
    assert f"temper runs resume {story.resumed.run_id}" in error.remedy


def test_the_device_goes_to_the_next_in_the_queue_and_to_nobody_before(story: Story) -> None:
    times = [event.time for event in events_of(story.resumed, Lease)]
    first, (steady,) = times[0], events_of(story.steady, Lease)
    ended = [event.time for event in runs.read_events(story.steady.events)][-1]
    assert first < str(story.broken.ended) <= steady.time < ended <= times[1]


def test_a_run_that_goes_on_has_the_losses_of_one_that_was_never_interrupted(story: Story) -> None:
    (went_on,) = events_of(story.resumed, Resumed)
    assert isinstance(went_on, Resumed)
    assert 2 <= went_on.step < COMPARED
    assert losses_of(story.resumed) == pytest.approx(losses_of(story.steady), abs=1e-6)


def test_a_request_to_stop_reaches_all_processes_at_the_same_step(story: Story) -> None:
    assert runs.view(story.steady).state == "cancelled"
    folder = adapters.find_adapter(story.workspace, story.steady.run_id)
    assert adapters.read_passport(folder).steps == last_step(story.steady)


def test_one_process_alone_writes_events(story: Story) -> None:
    events = runs.read_events(story.steady.events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    steps = [event.step for event in events if isinstance(event, Step)]
    assert steps == list(range(1, len(steps) + 1))
    told = [event.step for event in events if isinstance(event, Checkpoint)]
    assert told == sorted(set(told))


def test_nothing_is_left_in_the_run_folder_that_one_process_would_not_leave(story: Story) -> None:
    names = {path.name for path in story.steady.path.iterdir()}
    assert names <= {"spec.json", "events.jsonl", "worker.log", "alive.lock", "control", "artifacts"}
    made = [path for path in story.steady.artifacts.iterdir() if path.is_dir()]
    assert {path.name for path in made} == {"adapter", "checkpoints"}
    written = [path for path in (story.steady.artifacts / "checkpoints").iterdir() if path.name != WRITING]
    assert [verify(path).step for path in sorted(written, key=step_of)][-1] == last_step(story.steady)


def test_the_plan_says_how_a_step_is_divided(story: Story) -> None:
    texts = [event.text for event in events_of(story.steady, Notice) if isinstance(event, Notice)]
    assert any("2 processes, each with 1 of the 2 passes of a step, 1 row in a pass" in one for one in texts)


def test_the_processes_of_a_worker_that_was_killed_end_with_it(story: Story) -> None:
    assert len(story.orphans) == 2
    wait_until(lambda: all(gone(pid) for pid in story.orphans))
    assert runs.view(story.resumed).state == "died"


def said(rank: int, title: str, told: bool, time: float, kind: str = "RuntimeError") -> Ended:
    return Ended(rank, Failure(title, "what happened", "what to do", 3), told, kind, time)


def test_the_error_that_a_process_understood_is_the_reason_whoever_fell_over_it_first() -> None:
    endings = [said(1, "Connection closed", False, 1.0), said(0, "The disk is full", True, 2.0)]
    found = reason(endings, [Killed(0, 7, 1), Killed(1, 8, 1)], 2)
    assert (found.title, found.remedy, found.exit_code) == ("The disk is full", "what to do", 3)


def test_a_process_that_was_killed_is_the_reason_rather_than_what_the_others_say_of_it() -> None:
    endings = [said(0, "Connection closed", False, 1.0)]
    found = reason(endings, [Killed(0, 7, 1), Killed(1, 8, -signal.SIGKILL)], 2)
    assert "Process 1 of 2 (pid 8" in found.happened


def test_those_that_were_ended_for_another_are_not_the_reason() -> None:
    found = reason(
        [said(1, "Something unexpected", False, 1.0)], [Killed(0, 7, -signal.SIGTERM), Killed(1, 8, 1)], 2
    )
    assert found.title == "Something unexpected"


def test_a_run_that_diverged_in_its_processes_is_one_that_diverged() -> None:
    assert isinstance(reason([said(0, "Diverged", True, 1.0, "DivergedError")], [], 2), DivergedError)
