"""What a run says besides its loss: held-out rows, rewards, measured memory, rungs, resuming."""

from __future__ import annotations

import pytest

from app.tui.board import History
from app.tui.feed import RunFeed
from app.tui.messages import EventLine, RunNow, RunsPolled, Watched
from app.tui.widgets import run_words
from engine.data.rendering import Row
from engine.training.checkpoints import MemoryPlan
from engine.training.data import TrainingData
from engine.training.health import HeldoutWatch
from engine.training.memory_ladder import next_rung
from store.records.events import Evaluated, Event, Measured, Notice, Probed, Resumed, Step
from store.records.runs import RunView
from store.workspace import Workspace
from tests.app.tui.stage import Staged, alive, lay_run, steps, text_of, until

MEASURED = Measured(
    peak_bytes=1_410_000_000,
    seconds_per_step=0.42,
    eta_seconds=126.0,
    checkpoint_bytes=2_400_000,
    export_bytes=9_000_000,
)
REWARDS = {"reward_margin": 0.31, "reward_accuracy": 0.75, "reward_chosen": 0.2}


def polled(workspace: Workspace, events: list[Event]) -> RunsPolled:
    """One poll of a run that is watched."""
    folder = lay_run(workspace, "train-a", "train", "a", events)
    feed = RunFeed(workspace.paths.runs)
    feed.watch("train-a")
    with alive(folder):
        batch = feed.poll()
    assert batch is not None
    return batch


def history_of(workspace: Workspace, events: list[Event]) -> History:
    """What the board knows after one poll."""
    batch = polled(workspace, events)
    assert batch.watched is not None
    history = History("train-a")
    history.add(batch.watched)
    return history


def running(
    step: Step | None = None, evaluated: Evaluated | None = None, measured: Measured | None = None
) -> RunNow:
    """A run as lists show it."""
    return RunNow(RunView("train-a", "train", "running"), step=step, evaluated=evaluated, measured=measured)


def test_held_out_losses_are_a_curve_beside_the_training_loss(workspace: Workspace) -> None:
    told: list[Event] = [*steps(4, 9), Evaluated(step=2, loss=2.0), Evaluated(step=4, loss=1.5, best=True)]
    history = history_of(workspace, told)
    assert history.held_out() == ([2, 4], [2.0, 1.5])
    title = run_words.chart_title(history, "loss", 100).plain
    assert "held out, lowest 1.5000 at step 4" in title


def test_rewards_of_a_preference_run_are_curves_of_their_own(workspace: Workspace) -> None:
    told: list[Event] = [
        *(Step(step=n, loss=0.7, metrics={"reward_margin": n / 10}) for n in range(1, 4)),
        Evaluated(step=3, loss=0.6, metrics={"reward_margin": 0.2}),
    ]
    history = history_of(workspace, told)
    assert history.measures == ["loss", "reward_margin"]
    assert history.curve(10, "reward_margin") == ([1, 2, 3], [0.1, 0.2, 0.3])
    assert history.held_out("reward_margin") == ([3], [0.2])


def test_what_is_measured_for_forgetting_is_a_curve_of_its_own(workspace: Workspace) -> None:
    told: list[Event] = [
        Probed(step=0, general_loss=2.0),
        *steps(4, 9),
        Evaluated(step=4, loss=1.5, general_loss=2.25),
    ]
    history = history_of(workspace, told)
    assert history.measures == ["loss", "general_loss"]
    assert history.curve(10, "general_loss") == ([0, 4], [2.0, 2.25])
    assert "general set 2.0000 behind step 0" in str([line.text for line in history.lines])


def test_rewards_and_held_out_loss_stand_among_the_figures() -> None:
    step = Step(step=3, loss=0.6, metrics=REWARDS)
    said = run_words.figures(running(step, Evaluated(step=2, loss=0.65)), 100).plain
    for part in ("held out", "0.6500", "margin", "0.310", "accuracy", "0.750"):
        assert part in said
    assert "reward_chosen" not in said


@pytest.mark.parametrize("width", [24, 44, 60, 100])
def test_figures_never_take_more_cells_than_there_are(width: int) -> None:
    step = Step(step=3, loss=0.6, grad_norm=1.0, metrics=REWARDS, tokens_per_second=911.0)
    shown = run_words.figures(running(step, Evaluated(step=2, loss=0.65)), width).plain
    assert max(map(len, shown.split("\n"))) <= width


def test_the_measured_peak_takes_the_place_of_what_the_device_does_not_tell() -> None:
    step = Step(step=1, loss=1.0)
    assert "1.4 GB" not in run_words.figures(running(step), 80).plain
    assert "1.4 GB" in run_words.figures(running(step, measured=MEASURED), 80).plain


def test_before_the_first_step_the_time_left_is_the_measured_one() -> None:
    run = running(measured=MEASURED)
    run.view.total = 300
    assert "2:06 left" in run_words.head(run, 80).plain


def test_what_was_measured_is_said_to_be_no_estimate(workspace: Workspace) -> None:
    said = run_words.notes(history_of(workspace, [MEASURED]), 100).plain
    assert "0.42 s a step, 1.4 GB at its peak: measured, no estimate" in said


def test_steps_behind_the_one_that_a_run_resumed_at_are_drawn_once_with_their_evaluations() -> None:
    history = History("train-a")
    told = [Evaluated(step=2, loss=2.0), Evaluated(step=4, loss=1.0)]
    history.add(Watched("train-a", steps=[1, 2, 3, 4], losses=[4.0, 3.0, 2.0, 1.0], evaluated=told))
    history.add(
        Watched("train-a", steps=[3], losses=[2.5], resumed=[2], evaluated=[Evaluated(step=3, loss=1.9)])
    )
    assert history.steps == [1, 2, 3]
    assert history.held_out() == ([2, 3], [2.0, 1.9])
    assert "resumed at step 2" in run_words.chart_title(history, "loss", 100).plain


def test_an_evaluation_that_is_made_again_is_no_figure_until_it_is(workspace: Workspace) -> None:
    told: list[Event] = [*steps(4, 9), Evaluated(step=4, loss=1.5), Resumed(step=2)]
    (run,) = polled(workspace, told).changed
    assert run.evaluated is None


def row(tokens: int) -> Row:
    """A row of so many tokens, all trained."""
    return Row([1] * tokens, [1] * tokens, 1)


def test_every_rung_of_the_memory_ladder_is_noted_on_the_page() -> None:
    plan, data = MemoryPlan(4, 1, 0), TrainingData([row(300)] * 4)
    titles = []
    while (rung := next_rung(plan, data)) is not None:
        titles.append(f"Memory is full. {rung.title}")
        plan = rung.plan
    assert len(titles) > 3
    assert all(map(run_words.is_telling, titles))


def test_what_is_found_of_a_runs_health_is_noted_on_the_page() -> None:
    watch = HeldoutWatch()
    found = []
    for step, (train, heldout) in enumerate([(2.0, 2.0), (1.0, 2.6), (0.8, 2.8), (0.6, 3.0)]):
        watch.step(train)
        if (verdict := watch.evaluation(step, heldout)) is not None:
            found.append(verdict.title)
    assert len(found) == 2
    assert all(map(run_words.is_telling, found))
    assert not run_words.is_telling("3 rows were cut")


def test_only_what_tells_of_health_and_memory_is_noted() -> None:
    history = History("train-a")
    lines = [
        EventLine("", "3 rows were cut: lines 1, 2", "warn"),
        EventLine("", "It overfits: it does", "warn"),
    ]
    history.add(Watched("train-a", lines=lines))
    assert run_words.notes(history, 80).plain == "▲ It overfits: it does"


@pytest.mark.asyncio
async def test_m_turns_through_the_curves_of_a_run(workspace: Workspace) -> None:
    told: list[Event] = [
        *(Step(step=n, loss=0.7, total=9, metrics=REWARDS) for n in range(1, 6)),
        Evaluated(step=4, loss=0.6, best=True, metrics=REWARDS),
        Resumed(step=4),
        Notice(title="It overfits", text="The better adapter is that of step 4.", level="warn"),
    ]
    folder = lay_run(workspace, "train-a", "train", "a", told)
    with alive(folder):
        app = Staged(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: app.screen.query("#chart"))
            await until(pilot, lambda: "held out" in text_of(app, "#chart-title"))
            assert "It overfits" in text_of(app, "#run-notes")
            await pilot.press("m")
            assert "reward margin" in text_of(app, "#chart-title")
            await pilot.press("m", "m", "m")
            assert "── loss" in text_of(app, "#chart-title")
