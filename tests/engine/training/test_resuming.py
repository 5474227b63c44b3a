"""Runs that were interrupted at every moment and went on: their losses are those of one that was not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.training import objectives, session
from engine.training.checkpoints import listed, newest
from engine.training.data import TrainingData
from engine.training.health import DivergedError
from store.errors import TemperError, UsageError
from store.records.events import Checkpoint, Measured
from tests.bases import Recorder, rows_of
from tests.engine.training.interrupted import (
    KINDS,
    STEPS,
    asked,
    last_good,
    run,
    same,
    same_weights,
    steps_of,
)
from tests.forks import dies

pytestmark = pytest.mark.training

SLOW = pytest.mark.slow
LONG = ("dora", "text", "orpo", "kto")  # adapters and preferences are covered by lora and dpo


@pytest.fixture(scope="module")
def whole(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recorder, Any, Path]:
    """A run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    return *run(micro, folder), folder


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=SLOW if kind in LONG else ()) for kind in KINDS])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(kind: str, micro: Path, tmp_path: Path) -> None:
    uninterrupted, result = run(micro, tmp_path / "whole", kind=kind)
    stopped, half = run(micro, tmp_path / "cut", Recorder(stop_after=2), kind=kind)
    assert (half.stopped, half.steps) == (True, 3)
    found = last_good(tmp_path / "cut")
    assert (found.manifest.step, found.manifest.examples) == (3, 12)
    resumed, end = run(micro, tmp_path / "cut", kind=kind, resume=found)
    same(resumed, uninterrupted)
    assert steps_of(stopped) | steps_of(resumed) == pytest.approx(steps_of(uninterrupted), abs=1e-6)
    assert end.loss == pytest.approx(result.loss, abs=1e-6)
    same_weights(tmp_path / "cut", tmp_path / "whole")


def test_adapters_are_in_32_bits_before_and_after(micro: Path, tmp_path: Path) -> None:
    seen: list[set[torch.dtype]] = []

    class Looking(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
            seen.append({one.dtype for one in model.parameters() if one.requires_grad})

    run(micro, tmp_path, Recorder(stop_after=1), kind="qlora", callbacks=(Looking(),))
    found = last_good(tmp_path)
    assert {one.dtype for one in load_file(found.path / WEIGHTS).values()} == {torch.float32}
    run(micro, tmp_path, kind="qlora", resume=found, callbacks=(Looking(),))
    assert seen == [{torch.float32}] * STEPS


@pytest.mark.parametrize(
    ("function", "call", "goes_on_from"),
    [
        ("engine.training.session.load_base", 1, 0),
        ("engine.training.saving.CheckpointKeeper.on_step_begin", 1, 0),
        pytest.param("engine.training.saving.CheckpointKeeper.on_pre_optimizer_step", 2, 0, marks=SLOW),
        pytest.param("transformers.trainer.TrainerState.save_to_json", 1, 0, marks=SLOW),
        ("transformers.trainer.TrainerState.save_to_json", 2, 2),
        pytest.param("engine.training.checkpoints._hashed", 12, 2, marks=SLOW),
        ("engine.training.checkpoints.Checkpoints._replace", 2, 2),
        pytest.param("engine.training.checkpoints.Checkpoints._prune", 2, 4, marks=SLOW),
        ("engine.training.saving.CheckpointKeeper.on_step_begin", 6, 4),
        ("engine.training.session.results.save", 1, STEPS),
        pytest.param("store.atomic.sync_directory", 12, STEPS, marks=SLOW),
    ],
)
def test_a_run_killed_at_any_moment_goes_on_from_its_last_whole_checkpoint(
    function: str,
    call: int,
    goes_on_from: int,
    micro: Path,
    tmp_path: Path,
    whole: tuple[Recorder, Any, Path],
) -> None:
    dies(partial(run, micro, tmp_path), function, call)
    assert not (tmp_path / "artifacts" / "out").exists()
    found, passed = newest(tmp_path / "artifacts" / "checkpoints")
    assert passed == []
    assert (found.manifest.step if found else 0) == goes_on_from
    resumed, result = run(micro, tmp_path, resume=found)
    if goes_on_from < STEPS:
        same(resumed, whole[0])
    assert result.loss == pytest.approx(whole[1].loss, abs=1e-6)
    same_weights(tmp_path, whole[2])


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    micro: Path, tmp_path: Path, whole: tuple[Recorder, Any, Path]
) -> None:
    run(micro, tmp_path, Recorder(stop_after=4))
    newer = listed(tmp_path / "artifacts" / "checkpoints")[-1]
    (newer / "optimizer.pt").write_bytes((newer / "optimizer.pt").read_bytes()[:-1] + b"x")
    found = last_good(tmp_path)
    assert found.manifest.step == 4
    resumed, _ = run(micro, tmp_path, resume=found)
    assert min(steps_of(resumed)) == 5
    same(resumed, whole[0])


def test_a_stop_that_comes_while_a_checkpoint_is_saved_ends_behind_the_next_step(
    micro: Path, tmp_path: Path, whole: tuple[Recorder, Any, Path]
) -> None:
    class StopInSave(Recorder):
        def stop_requested(self) -> bool:
            return any(isinstance(event, Checkpoint) for event in self.events)

    stopped, result = run(micro, tmp_path, StopInSave())
    assert (result.stopped, result.steps) == (True, 3)
    saved = [event.step for event in stopped.events if isinstance(event, Checkpoint)]
    assert saved == [2, 3]
    assert (tmp_path / "artifacts" / "out" / WEIGHTS).is_file()
    resumed, _ = run(micro, tmp_path, resume=last_good(tmp_path))
    same(resumed, whole[0])


class FullDisk(TrainerCallback):
    """From step `step` on, `file` of a checkpoint lies on a disk that is full: every write fails."""

    def __init__(self, folder: Path, file: str, step: int) -> None:
        self._draft = folder / "artifacts" / "checkpoints" / ".writing" / f"checkpoint-{step}"
        self._file = file
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if state.global_step == self._step:
            self._draft.mkdir(parents=True)
            (self._draft / self._file).symlink_to("/dev/full")


@pytest.mark.parametrize("file", ["optimizer.pt", pytest.param("trainer_state.json", marks=SLOW)])
def test_a_disk_that_fills_up_in_a_checkpoint_is_said_and_costs_no_step_before(
    file: str, micro: Path, tmp_path: Path, whole: tuple[Recorder, Any, Path]
) -> None:
    recorder = Recorder()
    with pytest.raises(TemperError) as caught:
        run(micro, tmp_path, recorder, callbacks=(FullDisk(tmp_path, file, 4),))
    assert caught.value.title == "The disk is full"
    assert [event.step for event in recorder.events if isinstance(event, Checkpoint)] == [2]
    assert [path.name for path in (tmp_path / "artifacts" / "checkpoints").iterdir()] == ["checkpoint-2"]
    assert not (tmp_path / "artifacts" / "out").exists()
    resumed, _ = run(micro, tmp_path, resume=last_good(tmp_path))
    same(resumed, whole[0])


def test_rows_are_counted_so_a_run_goes_on_with_those_that_come_next_when_the_step_changes(
    micro: Path, tmp_path: Path
) -> None:
    def rows_in(recorded: list[Any], **changes: Any) -> None:
        whole_step = objectives.build

        def watched(setup: Any) -> Any:
            trainer = whole_step(setup)
            collate = trainer.data_collator

            def collated(rows: list[Any]) -> Any:
                recorded.append(sorted(tuple(row["input_ids"]) for row in rows))
                return collate(rows)

            trainer.data_collator = collated
            return trainer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(objectives, "build", watched)
            run(micro, tmp_path, **changes)

    first: list[Any] = []
    seen: list[Any] = []
    rows_in(first, recorder=Recorder(stop_after=1), batch_size=3, gradient_accumulation=1)
    found = last_good(tmp_path)
    assert (found.manifest.step, found.manifest.examples) == (2, 6)
    rows_in(seen, resume=found, batch_size=2, gradient_accumulation=1, max_steps=3)
    rows = [tuple(row.input_ids) for row in rows_of(micro)]
    # eight rows, six of them trained in steps of three: the two that were left come next
    trained = [row for batch in first[1:3] for row in batch]  # the very first is what `runs show` shows
    assert sorted(seen[0] + trained) == sorted(rows)


def test_other_rows_are_refused(micro: Path, tmp_path: Path) -> None:
    run(micro, tmp_path, Recorder(stop_after=1))
    others = TrainingData(rows_of(micro)[:-1])
    with pytest.raises(UsageError, match="not those that the run began with"):
        session.train(
            ModelDirectory(micro),
            asked(),
            others,
            Recorder(),
            tmp_path,
            tmp_path / "out",
            resume=last_good(tmp_path),
        )


def test_a_rehearsal_changes_nothing_and_tells_what_a_step_takes(
    micro: Path, tmp_path: Path, whole: tuple[Recorder, Any, Path]
) -> None:
    rehearsed, _ = run(micro, tmp_path, rehearse="always")
    assert steps_of(rehearsed) == steps_of(whole[0])
    (told,) = [event for event in rehearsed.events if isinstance(event, Measured)]
    assert told.seconds_per_step > 0
    assert told.peak_bytes > told.checkpoint_bytes > 0
    longest = sorted((len(row.input_ids) for row in rows_of(micro)), reverse=True)
    assert 0 < told.tokens <= sum(longest[:4])
    saved = last_good(tmp_path).manifest.files
    assert told.checkpoint_bytes == pytest.approx(saved[WEIGHTS].bytes + saved["optimizer.pt"].bytes, rel=0.3)


# on the CPU bitsandbytes keeps a paged state as any other
@pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU")
def test_a_rehearsal_leaves_a_paged_state_as_if_there_had_been_none(micro: Path, tmp_path: Path) -> None:
    plain, _ = run(micro, tmp_path / "plain", optimiser="paged_adamw_8bit")
    rehearsed, _ = run(micro, tmp_path / "rehearsed", optimiser="paged_adamw_8bit", rehearse="always")
    assert steps_of(rehearsed) == steps_of(plain)
    same_weights(tmp_path / "rehearsed", tmp_path / "plain")


def test_a_run_that_goes_on_can_be_rehearsed_too(
    micro: Path, tmp_path: Path, whole: tuple[Recorder, Any, Path]
) -> None:
    run(micro, tmp_path, Recorder(stop_after=2))
    resumed, _ = run(micro, tmp_path, resume=last_good(tmp_path), rehearse="always")
    same(resumed, whole[0])


class Breaking(TrainerCallback):
    """Makes the weights useless behind step `step`."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
        if state.global_step == self._step:
            with torch.no_grad():
                for one in model.parameters():
                    if one.requires_grad:
                        one.fill_(float("nan"))


def test_a_loss_that_is_no_number_ends_the_run_at_the_last_checkpoint_whose_weights_were_good(
    micro: Path, tmp_path: Path
) -> None:
    recorder = Recorder()
    with pytest.raises(DivergedError) as caught:
        run(micro, tmp_path, recorder, callbacks=(Breaking(4),))
    assert max(steps_of(recorder)) == 4  # no event has a loss that is no number
    assert last_good(tmp_path).manifest.step == 2
    assert "checkpoint of step 2 is the last good one" in caught.value.happened
    assert "learning_rate" in caught.value.remedy
    assert (tmp_path / "artifacts" / "checkpoints" / "aside-4").is_dir()
