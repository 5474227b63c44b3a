"""Two real training runs in one queue: one is killed after a checkpoint, the next one is stopped.

They are played once; each test looks at one thing that they left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from safetensors.numpy import load_file

from engine.jobs import launch
from engine.jobs.queue import device_name
from engine.jobs.train import TrainParams
from engine.models import adapters
from engine.models.variants import describe
from store import runs
from store.errors import MissingError
from store.records.events import Artifact, Checkpoint, Finished, Lease, Queued, Step
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.workers import await_event, end, events_of, kill, kill_all, snapshot

pytestmark = pytest.mark.training

RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    max_steps=100_000,
    batch_size=1,
    max_length=64,
    checkpoint_every=2,
    lora=Lora(rank=2, alpha=4, target="q_proj"),
)


class Story(msgspec.Struct):
    """What was left: the killed run, the stopped one, and the stopped one as it was before any checkpoint."""

    workspace: Workspace
    killed: RunFolder
    stopped: RunFolder
    early: RunFolder


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("training")
    workspace = make_workspace(home / "wallet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        try:
            yield played(workspace, home / "halted")
        finally:
            kill_all(workspace)


def played(workspace: Workspace, halted: Path) -> Story:
    """Run it from beginning to end."""
    killed = launch.start(workspace, "train", TrainParams(RECIPE), "to be killed")
    await_event(killed, Lease)
    unsaved = msgspec.structs.replace(RECIPE, checkpoint_every=0)
    stopped = launch.start(workspace, "train", TrainParams(unsaved), "to be stopped")
    await_event(stopped, Queued)
    await_event(killed, Checkpoint)
    kill(killed)
    await_event(stopped, Step)
    early = snapshot(stopped, halted)
    stopped.request_stop()
    end(stopped)
    return Story(workspace, killed, stopped, early)


def test_a_run_killed_after_a_checkpoint_reads_as_died_and_has_no_adapter(story: Story) -> None:
    view = runs.view(story.killed)
    assert view.state == "died"
    assert view.step >= 2
    assert view.log_tail == story.killed.log_tail()
    with pytest.raises(MissingError, match="no adapter"):
        adapters.find_adapter(story.workspace, story.killed.run_id)


def test_every_checkpoint_that_was_told_of_is_whole(story: Story) -> None:
    told = [event for event in events_of(story.killed, Checkpoint) if isinstance(event, Checkpoint)]
    kept = [story.killed.path / event.path for event in told[-2:]]
    assert kept
    for folder in kept:
        if folder.is_dir():  # the next save may just have begun to take the oldest one away
            assert (folder / "trainer_state.json").is_file()
            assert load_file(folder / adapters.WEIGHTS)
    assert any(folder.is_dir() for folder in kept)


def test_a_run_killed_before_its_first_checkpoint_leaves_its_steps_and_nothing_else(story: Story) -> None:
    assert runs.view(story.early).state == "died"
    assert runs.view(story.early).step >= 1
    assert events_of(story.early, Checkpoint) == []
    told = [event for event in events_of(story.early, Artifact) if isinstance(event, Artifact)]
    assert [event.type for event in told] == ["first_batch"]
    assert not adapters.adapter_folder(story.early.path).exists()


def test_the_kernel_frees_the_device_of_a_killed_run_for_the_next_in_the_queue(story: Story) -> None:
    (queued,) = events_of(story.stopped, Queued)
    (leased,) = events_of(story.stopped, Lease)
    assert isinstance(queued, Queued)
    assert isinstance(leased, Lease)
    assert (queued.holder, queued.device) == (story.killed.run_id, device_name())
    assert leased.waited_seconds > 0


def test_a_stopped_run_keeps_the_adapter_of_the_step_it_was_at(story: Story) -> None:
    assert runs.view(story.stopped).state == "cancelled"
    folder = adapters.find_adapter(story.workspace, story.stopped.run_id)
    passport = adapters.read_passport(folder)
    last = events_of(story.stopped, Step)[-1]
    assert isinstance(last, Step)
    assert passport.steps == last.step < RECIPE.max_steps
    assert {str(weight.dtype) for weight in load_file(folder / adapters.WEIGHTS).values()} == {"float32"}


def test_a_stopped_runs_adapter_is_a_variant(story: Story) -> None:
    parts = describe(story.workspace, story.stopped.run_id)
    assert parts.adapter == story.stopped.path / "artifacts" / "adapter"
    assert parts.run_id == story.stopped.run_id


def test_a_stop_request_is_honoured_at_a_step_not_in_the_middle_of_one(story: Story) -> None:
    events = runs.read_events(story.stopped.events)
    assert isinstance(events[-1], Finished)
    assert [type(event) for event in events[-3:-1]].count(Artifact) == 1


def test_training_steps_carry_loss_rate_and_total(story: Story) -> None:
    first = events_of(story.stopped, Step)[0]
    assert isinstance(first, Step)
    assert first.loss > 0
    assert first.tokens_per_second > 0
    assert first.total == RECIPE.max_steps


def test_the_killed_runs_folder_holds_what_the_crash_table_says(story: Story) -> None:
    names = {path.name for path in story.killed.path.iterdir()}
    assert {"spec.json", "events.jsonl", "worker.log", "alive.lock", "artifacts"} <= names
    found = {path.name for path in Path(story.killed.artifacts).iterdir()}
    assert found == {"before.json", "checkpoints", "first_batch.json"}
