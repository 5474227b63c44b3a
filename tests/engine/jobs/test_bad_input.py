"""Training jobs that meet what cannot work once they run: a titled error or a clean way on, nothing lost."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs import launch, worker
from engine.jobs.queue import device_name
from engine.jobs.train import TrainParams
from engine.models import adapters
from engine.training.checkpoints import listed
from store import clock, datasets, runs
from store.leases import DeviceLease
from store.records.events import Checkpoint, Failure, Lease, Notice, Resumed
from store.records.recipe import Lora, Recipe
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.stage import command, environment
from tests.forks import lives
from tests.workers import end, events_of, resume_here, run_here, stop_at

pytestmark = pytest.mark.training

RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    max_steps=4,
    batch_size=2,
    max_length=64,
    checkpoint_every=2,
    lora=Lora(rank=2, alpha=4, target="q_proj"),
)
PAIR = {"prompt": "say it", "chosen": "it is said", "rejected": "no"}
ONE_ROW: dict[str, list[dict[str, Any]]] = {
    "sft": [{"prompt": "say it", "completion": "it is said"}],
    "text": [{"text": "It is said, and said again."}],
    "dpo": [PAIR],
    "orpo": [PAIR],
    "kto": [{"prompt": "say it", "completion": "it is said", "label": True}],
}


def lay_rows(workspace: Workspace, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (workspace.root / "data" / "chats.jsonl").write_text(text, encoding="utf-8")


def train(workspace: Workspace, **changes: Any) -> RunFolder:
    recipe = msgspec.structs.replace(RECIPE, **changes)
    return run_here(workspace, "train", TrainParams(recipe), "bad input")


def failure(folder: RunFolder) -> Failure:
    view = runs.view(folder)
    assert view.state == "failed"
    assert {one.type for one in view.artifacts} <= {"first_batch"}  # nothing that was trained
    assert view.error is not None
    return view.error


@pytest.mark.parametrize("objective", ONE_ROW)
def test_one_row_is_enough_to_train_on(objective: str, workspace: Workspace) -> None:
    lay_rows(workspace, ONE_ROW[objective])
    folder = train(workspace, objective=objective, max_steps=2)
    view = runs.view(folder)
    assert (view.state, view.error) == ("finished", None)
    assert view.result["metrics"]["rows"] == 1


def test_rows_of_the_wrong_kind_end_a_run_whose_dataset_nobody_had_read(workspace: Workspace) -> None:
    found = failure(train(workspace, objective="dpo"))
    assert found.title == "chats@1 does not fit the objective dpo"
    assert found.happened == "It holds rows of kind completion; dpo takes preference."


def test_rows_of_which_nothing_is_trained_end_a_run_with_the_reason(workspace: Workspace) -> None:
    lay_rows(workspace, [{"prompt": "word " * 100, "completion": "too late"}] * 3)
    found = failure(train(workspace))
    assert found.exit_code in (2, 5)
    assert "token to train on" in found.title + found.happened


def test_a_run_of_which_every_checkpoint_is_damaged_says_so_and_begins_again(workspace: Workspace) -> None:
    with stop_at(4):
        folder = train(workspace, max_steps=6)
    saved = listed(folder.artifacts / "checkpoints")
    assert len(saved) == 2
    for path in saved:
        (path / "optimizer.pt").write_bytes(b"half of it")
    resume_here(folder)
    view = runs.view(folder)
    assert (view.state, view.error, view.step) == ("finished", None, 6)
    told = [event for event in events_of(folder, Notice) if isinstance(event, Notice)]
    passed = [event.text for event in told if event.title == "A checkpoint was passed over"]
    assert len(passed) == 2
    assert "There is no checkpoint yet" in [event.title for event in told]
    assert [event.step for event in events_of(folder, Resumed) if isinstance(event, Resumed)] == [0]


def laid(workspace: Workspace, recipe: Recipe) -> RunFolder:
    """A run that was asked for and not started yet."""
    params = msgspec.to_builtins(TrainParams(recipe))
    spec = RunSpec(clock.new_id("train"), "train", clock.stamp(), str(workspace.root), params, "bad input")
    return runs.create(workspace.paths.runs, spec)


@pytest.mark.parametrize(("every", "saved"), [(2, "a checkpoint"), (0, "the result")])
def test_a_disk_that_takes_no_more_while_it_saves_is_named_and_the_run_goes_on_later(
    every: int, saved: str, workspace: Workspace
) -> None:
    whole = train(workspace, checkpoint_every=0)
    adapter = adapters.adapter_folder(whole.path) / adapters.WEIGHTS
    recipe = msgspec.structs.replace(RECIPE, checkpoint_every=every)
    folder = laid(workspace, recipe)

    def with_little_room() -> None:
        # no file may grow past this; the kernel refuses the write as it would on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (adapter.stat().st_size - 1, adapter.stat().st_size - 1))
        worker.main(folder.path)

    lives(with_little_room)
    found = failure(folder)
    assert found.title in ("A file could not be written", "The disk is full"), found
    assert found.remedy.endswith(f"temper runs resume {folder.run_id}")
    assert list(folder.artifacts.rglob("*.safetensors")) == [], saved
    resume_here(folder)
    assert runs.view(folder).state == "finished"


def test_a_stop_while_a_checkpoint_is_saved_keeps_it_and_the_run_goes_on(workspace: Workspace) -> None:
    whole = train(workspace, max_steps=6)
    publish = "engine.training.checkpoints.Checkpoints.publish"
    with pytest.MonkeyPatch.context() as patch:
        from engine.training.checkpoints import Checkpoints

        saving = Checkpoints.publish

        def asked_meanwhile(self: Checkpoints, *given: Any) -> Path:
            RunFolder(self.folder.parents[1]).request_stop()
            return saving(self, *given)

        patch.setattr(publish, asked_meanwhile)
        folder = train(workspace, max_steps=6)
    view = runs.view(folder)
    assert (view.state, view.step) == ("cancelled", 3)
    told = [event.step for event in events_of(folder, Checkpoint) if isinstance(event, Checkpoint)]
    assert told == [2, 3]
    resume_here(folder)
    curves = [runs.curve(runs.read_events(one.events)) for one in (folder, whole)]
    assert [step.loss for step in curves[0]] == pytest.approx([step.loss for step in curves[1]], abs=1e-6)


@pytest.mark.slow
def test_two_runs_that_are_started_at_once_are_done_one_after_the_other(
    workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.root / "recipes").mkdir()
    recipe = 'base = "tiny"\ndataset = "chats"\nmax_steps = 2\nbatch_size = 2\nmax_length = 64\n'
    (workspace.root / "recipes" / "short.toml").write_text(recipe, encoding="utf-8")
    started = [
        subprocess.Popen(command("train", "short", "--no-watch"), cwd=workspace.root, env=environment())
        for _ in range(2)
    ]
    assert [process.wait(120) for process in started] == [0, 0]
    folders = runs.list_folders(workspace.paths.runs)
    assert len(folders) == 2
    for folder in folders:
        end(folder)
        assert runs.view(folder).state == "finished", folder.log_tail()
        assert adapters.find_adapter(workspace, folder.run_id).is_dir()
    waited = [event.waited_seconds for folder in folders for event in events_of(folder, Lease)]  # type: ignore[union-attr]
    assert max(waited) > 0
    assert datasets.versions(workspace.paths, "chats") == [1]


def test_a_second_run_that_is_stopped_while_it_waits_leaves_the_first_alone(workspace: Workspace) -> None:
    holder = DeviceLease(device_name())
    assert holder.acquire(1, "train-of-somebody")
    folder = launch.start(workspace, "train", TrainParams(RECIPE), "waits")
    folder.request_stop()
    end(folder)
    assert runs.view(folder).state == "cancelled"
    seen = holder.holder()
    assert seen is not None
    assert seen.what == "train-of-somebody"
    holder.release()
