"""Words, curves, the next step, the machine's figures: what the screens are made of, without a screen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from app.tui import machine, words
from app.tui.board import History, thin
from app.tui.messages import Watched
from app.tui.next_step import next_step
from app.tui.widgets.chart import smoothed, ticks
from app.tui.widgets.run_words import problem
from store import clock as store_clock
from store import labels
from store.records.events import Failure
from store.records.labels import Label
from store.records.runs import RunView, State
from store.workspace import Workspace
from tests.app.tui.stage import NOON


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (42.4, "0:42"), (725, "12:05"), (3729, "1:02:09")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(5, "now"), (240, "4 m"), (7200, "2 h"), (3 * 86_400, "3 d")])
def test_ages_have_one_unit(seconds: float, text: str) -> None:
    assert words.age(store_clock.stamp(NOON - timedelta(seconds=seconds)), NOON) == text


def test_a_title_is_cut_by_its_cells() -> None:
    assert words.cut("日本語の変種", 7) == "日本語…"
    assert words.cut("short", 7) == "short"


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (812_000, "812 kB"), (1_410_000_000, "1.4 GB"), (3e12, "3.0 TB")]
)
def test_sizes_have_decimal_units(count: float, text: str) -> None:
    assert words.size(count) == text


def test_a_bar_is_as_wide_as_asked_whatever_the_share() -> None:
    assert [words.bar(share, 10, "red").cell_length for share in (-1, 0, 0.33, 1, 7)] == [10] * 5


def test_a_path_below_home_starts_with_a_tilde(own_home: Path) -> None:
    assert words.tilde(own_home / "wallet") == "~/wallet"
    assert words.tilde(Path("/srv/wallet")) == "/srv/wallet"


def test_a_long_path_keeps_both_ends() -> None:
    short = words.middle_cut("/home/someone/projects/wallet-support", 20)
    assert len(short) == 20
    assert short.startswith("/home")
    assert short.endswith("support")


def test_a_curve_is_thinned_to_means_over_all_its_points() -> None:
    assert thin([1, 2, 3, 4], most=2) == [1.5, 3.5]
    assert thin([1, 2], most=10) == [1.0, 2.0]
    assert sum(thin(list(range(20_000)), most=100)) / 100 == pytest.approx(19_999 / 2)


def test_a_history_grows_by_news() -> None:
    history = History("train-a")
    history.add(Watched("train-a", fresh=True, steps=[1, 2], losses=[3.0, 2.0]))
    history.add(Watched("train-a", steps=[3], losses=[1.0]))
    assert history.curve(10) == ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])


def test_smoothing_keeps_a_straight_line_straight_inside() -> None:
    line = [float(value) for value in range(100)]
    assert smoothed(line)[10:90] == pytest.approx(line[10:90])


@pytest.mark.parametrize(
    ("first", "last", "most", "marks"),
    [
        (1, 210, 4, [100, 200]),
        (1, 9, 4, [2, 4, 6, 8]),
        (0, 19_999, 5, [0, 5000, 10_000, 15_000]),
        (7, 8, 3, [7, 8]),
    ],
)
def test_marks_on_the_axis_are_round_numbers(first: int, last: int, most: int, marks: list[int]) -> None:
    assert ticks(first, last, most) == marks


def view(kind: str, state: State, run_id: str = "", created: str = "2026-01-31T10:00:00.000Z") -> RunView:
    """A run as the next step sees it."""
    return RunView(run_id or f"{kind}-1", kind, state, created=created)  # type: ignore[arg-type]  # kinds as text


def at(hour: int) -> str:
    """A moment of the same day."""
    return f"2026-01-31T{hour}:00:00.000Z"


def test_a_running_run_is_to_be_watched_before_anything_else(workspace: Workspace) -> None:
    step = next_step(workspace, [view("train", "failed"), view("export", "running")])
    assert (step.place, step.run_id) == ("runs", "export-1")


def test_a_run_that_has_just_died_is_to_be_looked_at(workspace: Workspace) -> None:
    assert next_step(workspace, [view("train", "died")]).title == "See what went wrong"


def test_without_an_adapter_the_first_recipe_is_to_be_trained(workspace: Workspace) -> None:
    assert next_step(workspace, []).command == "temper train recipes/support.toml"


def test_an_adapter_is_to_be_exported_then_measured_then_talked_to(workspace: Workspace) -> None:
    (workspace.paths.knowledge / "docs").mkdir(parents=True)
    trained = view("train", "finished", created="2026-01-31T10:00:00.000Z")
    exported = view("export", "finished", created="2026-01-31T11:00:00.000Z")
    measured = view("evaluate", "finished", created="2026-01-31T11:30:00.000Z")
    assert next_step(workspace, [trained]).command == "temper export train-1"
    assert (
        next_step(workspace, [exported, trained]).command
        == "temper eval evals/support.yaml --variant export-1"
    )
    assert next_step(workspace, [measured, exported, trained]).place == "chat"


def test_a_newer_adapter_is_to_be_exported_again(workspace: Workspace) -> None:
    exported = view("export", "finished", created="2026-01-31T11:00:00.000Z")
    trained = view("train", "finished", "train-2", created="2026-01-31T12:00:00.000Z")
    assert next_step(workspace, [trained, exported]).command == "temper export train-2"


def test_documents_that_are_named_but_not_built_are_to_be_ingested(workspace: Workspace) -> None:
    views = [view("export", "finished", created="2026-01-31T11:00:00.000Z"), view("train", "finished")]
    assert next_step(workspace, views).command == "temper kb ingest --kb docs"


def test_what_failed_is_named_before_the_advisor_is_asked(workspace: Workspace) -> None:
    (workspace.paths.knowledge / "docs").mkdir(parents=True)
    trained, exported = view("train", "finished"), view("export", "finished", created=at(11))
    scores = [{"name": "tuned", "score": 0.8}]
    measured = msgspec.structs.replace(
        view("evaluate", "finished", created=at(12)), result={"suite": "support", "variants": scores}
    )
    step = next_step(workspace, [measured, exported, trained])
    assert (step.command, step.place) == ("temper triage evaluate-1", "evals")

    labels.append(workspace.paths, Label("category", "t", "format", by="me", time="2026-01-31T12:00:00.000Z"))
    assert next_step(workspace, [measured, exported, trained]).command == "temper advise support"

    advised = view("advise", "finished", created=at(13))
    assert next_step(workspace, [advised, measured, exported, trained]).place == "chat"


def test_a_failed_run_says_why_and_what_to_do() -> None:
    failed = view("train", "failed")
    failed.error = Failure("The disk is full", "12 MB are free.", "Free some space.")
    text = str(problem(failed))
    assert all(part in text for part in ("The disk is full", "12 MB are free.", "Free some space."))


def test_a_dead_run_shows_the_end_of_its_log() -> None:
    died = view("train", "died")
    died.log_tail = "loading\nstep 12\nKilled"
    assert "Killed" in str(problem(died))


def test_a_training_run_that_stopped_short_shows_the_command_that_goes_on() -> None:
    for state in ("died", "cancelled"):
        assert "temper runs resume" in str(problem(view("train", state)))
        assert "resume" not in str(problem(view("export", state)))


def test_steps_that_are_done_again_are_drawn_once() -> None:
    history = History("train-a")
    history.add(Watched("train-a", steps=[1, 2, 3], losses=[3.0, 2.0, 1.0]))
    history.add(Watched("train-a", steps=[2, 3], losses=[0.2, 0.1]))
    assert (history.steps, history.losses) == ([1, 2, 3], [3.0, 0.2, 0.1])


def test_the_drivers_answer_is_read_in_mebibytes() -> None:
    gpu = machine.parse_gpu("GPU-1, NVIDIA GeForce RTX 4090, 512, 24564\nGPU-2, Another, 0, 1\n")
    assert gpu is not None
    assert (gpu.name, gpu.used, gpu.total) == ("NVIDIA GeForce RTX 4090", 512 << 20, 24564 << 20)


def test_a_driver_that_answers_otherwise_means_no_gpu() -> None:
    assert machine.parse_gpu("NVIDIA-SMI has failed because it could not communicate\n") is None


def test_this_machine_has_memory_and_a_disk(tmp_path: Path) -> None:
    here = machine.look(tmp_path)
    assert 0 < here.memory_free <= here.memory_total
    assert 0 < here.disk_free <= here.disk_total
    assert here.holder is None
