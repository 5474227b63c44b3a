"""Pictures of the training form and of what a run says besides its loss, compared with reviewed ones."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from store.records.events import Evaluated, Event, Measured, Notice, Resumed, Step
from store.workspace import Workspace
from tests.app.tui.data_stage import lay_dataset
from tests.app.tui.snapshot_stage import HIGH, LOW, Before, Compare, press, stand_still
from tests.app.tui.stage import Clock, Staged, alive, lay_run, until
from tests.app.tui.train_stage import SMALL, ScriptedOutlook, TrainStaged


@pytest.fixture(autouse=True)
def stillness(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves."""
    stand_still(monkeypatch)


@pytest.fixture
def data(workspace: Workspace) -> Workspace:
    """The workspace with a dataset."""
    lay_dataset(workspace, rows=60)
    return workspace


PREFERENCE: list[Event] = [
    Measured(
        peak_bytes=1_620_000_000,
        seconds_per_step=0.61,
        eta_seconds=91.0,
        checkpoint_bytes=3_900_000,
        export_bytes=9_400_000,
    ),
    *(
        Step(
            step=n,
            total=150,
            loss=0.28 + 0.41 * 0.98**n,
            learning_rate=2e-4 * (1 - n / 151),
            tokens_per_second=1840.0,
            metrics={"reward_margin": 2.1 - 2.1 * 0.98**n, "reward_accuracy": 0.95 - 0.45 * 0.97**n},
        )
        for n in range(1, 91)
    ),
    *(
        Evaluated(step=n, loss=0.34 + 0.35 * 0.975**n + (n > 60) * (n - 60) / 900, best=n <= 60)
        for n in range(15, 91, 15)
    ),
    Resumed(step=45, path="artifacts/checkpoint-45"),
    Notice(
        title="Memory is full. Smaller forward passes",
        text="4 of 2 rows instead of 2 of 4: a step still has 8 rows.",
        level="warn",
    ),
    *(
        Step(step=n, total=150, loss=0.28 + 0.41 * 0.98**n, metrics={"reward_margin": 1.2})
        for n in range(46, 47)
    ),
]


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_runs_preference(
    workspace: Workspace, clock: Clock, snap_compare: Compare, size: tuple[int, int]
) -> None:
    told = [*PREFERENCE[:-3], PREFERENCE[-2]]
    going = lay_run(workspace, "train-7", "train", "dpo tiny on pairs", told)
    clock.move(84)
    with alive(going):
        assert snap_compare(Staged(workspace), terminal_size=size, run_before=press("2"))


def test_runs_resumed_with_another_curve(workspace: Workspace, clock: Clock, snap_compare: Compare) -> None:
    again = [
        Step(step=n, total=150, loss=0.3, metrics={"reward_margin": 2.0 - 2.1 * 0.98**n})
        for n in range(46, 99)
    ]
    told = [*PREFERENCE[:-1], *again]
    going = lay_run(workspace, "train-7", "train", "dpo tiny on pairs", told)
    clock.move(84)
    with alive(going):
        assert snap_compare(Staged(workspace), terminal_size=HIGH, run_before=press("2", "enter", then=["m"]))


def form(*keys: str, changes: dict[str, str] | None = None, at: str = "") -> Before:
    """The training form on the support recipe, with `changes`, the cursor at a field; then these keys."""

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, TrainStaged)
        await until(pilot, lambda: app.board.complete)
        await pilot.press("2", "t")
        await until(pilot, lambda: app.screen.query("#field-list") and app.form._choices is not None)
        for key, text in (changes or {}).items():
            app.form.form.put(key, text)
        app.form.on_field_editor_changed()
        await until(pilot, lambda: app.form.form.current)
        if at:
            app.form.editor.listed.go_to(at)
        await pilot.press(*keys)
        await pilot.pause(0.1)

    return before


NAMED = {"base": "tiny", "dataset": "support"}
TIGHT = NAMED | {"batch_size": "64", "micro_batch": "as_written", "recompute_layers": "0"}


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_train_form(data: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    changes = NAMED | {"lora.rank": "16", "lora.dropout": "0.05", "max_length": "256"}
    app = TrainStaged(data, ScriptedOutlook(data))
    assert snap_compare(app, terminal_size=size, run_before=form(changes=changes, at="lora.rank"))


def test_train_form_empty(workspace: Workspace, snap_compare: Compare) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    assert snap_compare(app, terminal_size=LOW, run_before=form())


@pytest.mark.parametrize("size", [LOW, HIGH], ids=["low", "high"])
def test_train_form_with_problems(data: Workspace, snap_compare: Compare, size: tuple[int, int]) -> None:
    changes = NAMED | {"lora.rank": "many", "learning_rate": "9", "patience": "2", "lora.layers": "0-40"}
    app = TrainStaged(data, ScriptedOutlook(data))
    assert snap_compare(app, terminal_size=size, run_before=form(changes=changes, at="learning_rate"))


def test_train_form_that_does_not_fit_in_the_light(data: Workspace, snap_compare: Compare) -> None:
    app = TrainStaged(data, ScriptedOutlook(data, SMALL))

    async def before(pilot: Pilot[None]) -> None:
        app.action_light_or_dark()
        await form(changes=TIGHT, at="batch_size")(pilot)

    assert snap_compare(app, terminal_size=HIGH, run_before=before)


def test_train_form_being_typed_into(data: Workspace, snap_compare: Compare) -> None:
    app = TrainStaged(data, ScriptedOutlook(data))
    before = form("6", "4", changes=NAMED, at="lora.alpha")
    assert snap_compare(app, terminal_size=LOW, run_before=before)


def test_train_form_saved(data: Workspace, snap_compare: Compare) -> None:
    app = TrainStaged(data, ScriptedOutlook(data))
    assert snap_compare(app, terminal_size=LOW, run_before=form("w", changes=NAMED))
