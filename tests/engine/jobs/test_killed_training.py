"""kill -9 at every phase of a training run: each time it is taken up again, and ends as if nothing had been.

The worker's own main runs in a fork that is killed; the next one runs here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from safetensors.numpy import load_file

from engine.data.ensure import ensure_dataset
from engine.jobs import worker
from engine.jobs.queue import device_name
from engine.jobs.train import TrainParams
from engine.models import adapters
from store import clock, runs
from store.leases import DeviceLease
from store.locks import is_locked
from store.records.events import Finished, Lease, Queued, Resumed
from store.records.recipe import Lora, Recipe
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.forks import dies
from tests.workers import events_of, run_here

pytestmark = pytest.mark.training

SLOW = pytest.mark.slow
RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    eval_dataset="chats",
    eval_every=2,
    max_steps=5,
    batch_size=2,
    max_length=64,
    checkpoint_every=2,
    rehearse="always",
    lora=Lora(rank=2, alpha=4, target="q_proj", dropout=0.1),
)
# function that is called, for which time, the step that the next worker goes on from
PHASES = [
    ("store.runs.EventWriter.emit", 1, None),  # before it has started
    ("engine.jobs.worker.queue_for", 1, 0),
    ("engine.jobs.train.check_data", 1, 0),
    ("engine.jobs.train.read_data", 1, 0),
    ("engine.training.session.load_base", 1, 0),
    ("engine.training.rehearsal.state_bytes", 1, 0),
    ("engine.training.saving.CheckpointKeeper.on_pre_optimizer_step", 2, 0),
    ("engine.training.heldout.HeldOut._write", 1, 0),
    ("engine.training.checkpoints.Checkpoints._replace", 1, 0),
    ("transformers.trainer.Trainer.evaluation_loop", 3, 2),
    ("engine.training.checkpoints.Checkpoints._replace", 2, 2),
    ("engine.training.heldout.HeldOut.restore", 1, 5),
    ("engine.training.session.results.save", 1, 5),
    ("engine.training.heldout.HeldOut.forget", 1, 5),
    ("engine.jobs.train.write_passport", 1, 5),
    ("engine.jobs.context.JobContext.artifact", 1, 5),
    ("store.leases.DeviceLease.release", 1, 5),  # all is done but for saying so
]
QUICK = ("emit", "state_bytes", "_replace", "write_passport")


class Whole(msgspec.Struct):
    """A workspace, and a run in it that nobody killed."""

    workspace: Workspace
    run: RunFolder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    home = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        workspace = make_workspace(home / "wallet")
        ensure_dataset(workspace, "chats")
        yield Whole(workspace, run_here(workspace, "train", TrainParams(RECIPE), "never killed"))


def laid(workspace: Workspace, recipe: Recipe = RECIPE) -> RunFolder:
    """A run that was asked for and not started yet."""
    params = msgspec.to_builtins(TrainParams(recipe))
    spec = RunSpec(clock.new_id("train"), "train", clock.stamp(), str(workspace.root), params, "to be killed")
    return runs.create(workspace.paths.runs, spec)


def taken_up(folder: RunFolder) -> None:
    """What `temper runs resume` starts."""
    runs.reopen(folder)
    assert worker.main(folder.path) == 0


def same_in_the_end(folder: RunFolder, other: RunFolder) -> None:
    """Both runs finished, with the same losses, held-out loss and weights."""
    ends = [runs.view(one) for one in (folder, other)]
    assert [view.state for view in ends] == ["finished", "finished"]
    losses = [[step.loss for step in runs.curve(runs.read_events(one.events))] for one in (folder, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    metrics = [view.result["metrics"] for view in ends]
    for name in ("loss", "heldout_loss", "best_step", "steps", "rows"):
        assert metrics[0][name] == pytest.approx(metrics[1][name], abs=1e-6), name
    left, right = (load_file(adapters.adapter_folder(one.path) / adapters.WEIGHTS) for one in (folder, other))
    assert left.keys() == right.keys()
    assert max(float(abs(left[name] - right[name]).max()) for name in left) <= 1e-6


@pytest.mark.parametrize(
    ("function", "call", "goes_on_from"),
    [pytest.param(*one, marks=() if one[0].endswith(QUICK) else SLOW) for one in PHASES],
)
def test_a_training_run_killed_in_any_phase_is_finished_by_the_next_worker(
    function: str, call: int, goes_on_from: int | None, whole: Whole
) -> None:
    folder = laid(whole.workspace)
    dies(partial(worker.main, folder.path), function, call)
    assert runs.view(folder).state == ("starting" if goes_on_from is None else "died")
    assert not is_locked(folder.lock)
    assert events_of(folder, Finished) == []
    assert DeviceLease(device_name()).holder() is None
    taken_up(folder)
    told = [event.step for event in events_of(folder, Resumed) if isinstance(event, Resumed)]
    assert told == ([] if goes_on_from is None else [goes_on_from])
    same_in_the_end(folder, whole.run)


def test_a_training_run_killed_in_the_queue_is_finished_by_the_next_worker(whole: Whole) -> None:
    folder, holder = laid(whole.workspace), DeviceLease(device_name())
    assert holder.acquire(os.getpid(), "somebody-else")
    try:
        dies(partial(worker.main, folder.path), "engine.jobs.queue.time.sleep")
    finally:
        holder.release()
    assert len(events_of(folder, Queued)) == 1
    assert events_of(folder, Lease) == []
    taken_up(folder)
    same_in_the_end(folder, whole.run)


def test_a_merge_killed_in_the_middle_is_made_again(whole: Whole) -> None:
    on_top = msgspec.structs.replace(RECIPE, init_from=whole.run.run_id, init_mode="merge", max_steps=2)
    folder = laid(whole.workspace, on_top)
    dies(partial(worker.main, folder.path), "engine.export.merge.copy_small_files")
    assert list(whole.workspace.paths.models.glob("*/merged")) == []
    taken_up(folder)
    again = laid(whole.workspace, on_top)
    taken_up(again)
    same_in_the_end(folder, again)


@pytest.mark.parametrize("mode", ["continue", "merge"])
def test_a_run_on_an_earlier_run_goes_on_as_if_it_had_not_been_killed(
    mode: str, whole: Whole, tmp_path: Path
) -> None:
    recipe = msgspec.structs.replace(RECIPE, init_from=whole.run.run_id, init_mode=mode)
    unharmed = run_here(whole.workspace, "train", TrainParams(recipe), "never killed")
    folder = laid(whole.workspace, recipe)
    dies(partial(worker.main, folder.path), "engine.training.saving.CheckpointKeeper.on_step_begin", 4)
    for merged in whole.workspace.paths.models.glob("*/merged"):
        merged.rename(tmp_path / merged.parent.name)  # derived: it is made anew
    taken_up(folder)
    assert [event.step for event in events_of(folder, Resumed) if isinstance(event, Resumed)] == [2]
    same_in_the_end(folder, unharmed)
