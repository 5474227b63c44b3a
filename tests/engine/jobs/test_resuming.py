"""Training jobs that are taken up again in their own folder: which data, which checkpoint, what is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine.jobs import launch
from engine.jobs.train import TrainParams
from engine.models import adapters
from engine.training.checkpoints import listed
from store import runs
from store.errors import BusyError
from store.locks import FileLock
from store.records.events import Checkpoint, Notice, Resumed, Started
from store.records.recipe import Lora, Recipe
from store.runs import EventReader, RunFolder
from store.workspace import Workspace
from tests.workers import end, events_of, kill, lay_run, play, resume_here, run_here, stop_at

RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    max_steps=5,
    batch_size=2,
    max_length=64,
    checkpoint_every=2,
    rehearse="always",
    lora=Lora(rank=2, alpha=4, target="q_proj", dropout=0.1),
)


def stopped_run(workspace: Workspace, step: int) -> RunFolder:
    """A training run that was asked to stop in step `step`."""
    with stop_at(step):
        return run_here(workspace, "train", TrainParams(RECIPE), "to be stopped")


@pytest.mark.training
def test_a_stopped_run_is_finished_in_its_own_folder_with_the_losses_of_one_that_was_not(
    workspace: Workspace,
) -> None:
    whole = run_here(workspace, "train", TrainParams(RECIPE), "never stopped")
    cut = stopped_run(workspace, 3)
    view = runs.view(cut)
    assert (view.state, view.step, view.resumable) == ("cancelled", 3, True)
    assert view.way_on == f"temper runs resume {cut.run_id}"
    cut.request_stop()  # left over from the worker that stopped
    # a newer version of the data has come meanwhile
    more = {"prompt": "say 99", "completion": "it is 99"}
    source = workspace.root / "data" / "chats.jsonl"
    source.write_text(source.read_text() + json.dumps(more) + "\n", encoding="utf-8")
    resume_here(cut)
    done = runs.view(cut)
    assert (done.state, done.error, done.step) == ("finished", None, 5)
    losses = [[step.loss for step in runs.curve(runs.read_events(one.events))] for one in (cut, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    (told,) = events_of(cut, Resumed)
    assert isinstance(told, Resumed)
    assert (told.step, told.path) == (3, "artifacts/checkpoints/checkpoint-3")
    assert [one.name for one in done.artifacts] == ["first batch", "adapter"]
    passports = [adapters.read_passport(adapters.adapter_folder(one.path)) for one in (cut, whole)]
    assert passports[0].dataset_sha256 == passports[1].dataset_sha256
    assert passports[0].steps == 5
    means = [runs.view(one).result["metrics"]["loss"] for one in (cut, whole)]
    assert means[0] == pytest.approx(means[1], abs=1e-6)


@pytest.mark.training
def test_a_full_disk_ends_a_run_with_the_command_that_goes_on(
    workspace: Workspace,
) -> None:
    cut = stopped_run(workspace, 4)
    folder = cut.artifacts / "checkpoints"
    (listed(folder)[-1] / "scheduler.pt").write_bytes(b"")

    def full(self: object, *given: object) -> Path:
        import errno

        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.training.checkpoints.Checkpoints.publish", full)
        resume_here(cut)
    view = runs.view(cut)
    assert view.error is not None
    assert (view.state, view.error.title) == ("failed", "The disk is full")
    assert view.error.remedy.endswith(f"Go on from step 2: temper runs resume {cut.run_id}")
    assert view.way_on == ""  # the error says it
    passed = [event for event in events_of(cut, Notice) if isinstance(event, Notice)]
    assert any("checkpoint-4: scheduler.pt" in event.text for event in passed)
    resume_here(cut)
    assert runs.view(cut).state == "finished"
    assert [event.step for event in events_of(cut, Resumed) if isinstance(event, Resumed)] == [2, 2]


def test_a_run_that_lives_is_not_taken_up(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-1", [], "train")
    with FileLock(folder.lock) as lock:
        assert lock.acquire()
        with pytest.raises(BusyError, match="not over"):
            launch.resume(folder)


def test_a_worker_that_takes_a_run_up_appends_to_its_events(workspace: Workspace) -> None:
    folder = play(workspace, [{"kind": "notice", "title": "one"}])
    end(folder)
    before = folder.events.read_bytes()
    folder.request_stop()
    launch.resume(folder)
    end(folder)
    assert folder.events.read_bytes().startswith(before)
    assert len(events_of(folder, Started)) == 2
    assert runs.view(folder).state == "finished"
    seqs = [event.seq for event in runs.read_events(folder.events)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_two_who_take_a_run_up_at_once_make_one_worker(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)  # somebody else was faster
    late = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
    with pytest.raises(BusyError, match="not over"):
        launch.await_start(folder, late, EventReader(folder.events))
    assert late.wait(30) != 0
    assert runs.view(folder).state in ("waiting", "running")


@pytest.mark.slow
@pytest.mark.training
def test_a_killed_worker_is_followed_by_one_that_finishes(workspace: Workspace) -> None:
    from tests.workers import await_event

    long = msgspec.structs.replace(RECIPE, max_steps=60, rehearse="never")
    whole = run_here(workspace, "train", TrainParams(long), "never killed")
    folder = launch.start(workspace, "train", TrainParams(long), "to be killed")
    await_event(folder, Checkpoint)
    kill(folder)
    assert runs.view(folder).state == "died"
    launch.resume(folder)
    end(folder)
    assert runs.view(folder).state == "finished"
    losses = [[step.loss for step in runs.curve(runs.read_events(one.events))] for one in (folder, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
