"""The training form: opening it, filling it in, what is said beside it, saving and starting."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from app.tui.app import TemperApp
from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.confirm import ConfirmDialog
from app.tui.dialogs.error import ErrorDialog
from app.tui.dialogs.name import NameDialog
from app.tui.screens.home import HomeScreen
from app.tui.screens.runs import RunsScreen
from app.tui.screens.train import TrainScreen
from app.tui.widgets.field_list import FieldList, ValueInput
from app.tui.widgets.run_list import RunList
from engine.jobs.queue import device_name
from engine.training.recipe import load_recipe
from store.leases import DeviceLease
from store.runs import RunFolder, view
from store.workspace import Workspace
from tests.app.tui.data_stage import lay_dataset
from tests.app.tui.stage import dialog, text_of, until
from tests.app.tui.train_stage import SMALL, ScriptedOutlook, TrainStaged
from tests.workers import kill_all

pytestmark = pytest.mark.asyncio

RECIPE = 'base = "tiny"\ndataset = "support"\nmax_steps = 3\nmax_length = 256\n'


async def opened(pilot: Pilot[None], app: TrainStaged) -> FieldList:
    """The form from the runs screen, with its first answer."""
    await pilot.press("2", "t")
    await until(pilot, lambda: isinstance(app.screen, TrainScreen) and app.screen.query(FieldList))
    await until(pilot, lambda: app.form.form.outlook.number and app.form._choices is not None)
    return app.form.editor.listed


async def filled(pilot: Pilot[None], app: TrainStaged) -> FieldList:
    """The form with a base and a dataset."""
    listed = await opened(pilot, app)
    await pilot.press("right", "down", "right")
    await until(pilot, lambda: app.form.form.current and app.form.form.outlook.recipe)
    return listed


@pytest.fixture
def rows(workspace: Workspace) -> Workspace:
    """The workspace with a dataset."""
    lay_dataset(workspace)
    return workspace


async def test_t_opens_the_form_and_escape_goes_back(workspace: Workspace) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    async with app.run_test() as pilot:
        await opened(pilot, app)
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)
    assert app.warmth.closed


async def test_the_next_step_of_a_new_workspace_opens_the_form_on_its_recipe(rows: Workspace) -> None:
    (rows.root / "recipes" / "support.toml").write_text(RECIPE, encoding="utf-8")
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "temper train" in text_of(app, "#next-step"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        await until(pilot, lambda: app.form.form.text("max_steps") == "3")
        assert text_of(app, "#train-head").startswith("Train   recipes/support.toml")
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)


async def test_the_manual_of_the_field_under_the_cursor_is_its_docstring(workspace: Workspace) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    async with app.run_test() as pilot:
        listed = await opened(pilot, app)
        assert "A model of the workspace" in text_of(app, "#field-manual")
        assert listed.go_to("lora.rank")
        await until(pilot, lambda: "Columns of the low-rank matrices" in text_of(app, "#field-manual"))
        assert "a whole number, at least 1" in text_of(app, "#field-manual")


async def test_the_arrows_turn_through_words_and_names(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        form = app.form.form
        assert (form.text("base"), form.text("dataset")) == ("tiny", "support")
        listed.go_to("method")
        await pilot.press("right")
        assert form.text("method") == "lora"
        await until(pilot, lambda: form.outlook.preset == "tiny-lora")
        await pilot.press("left", "left")
        assert form.text("method") == "full"


async def test_enter_on_a_field_with_words_offers_them_all(workspace: Workspace) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    async with app.run_test() as pilot:
        listed = await opened(pilot, app)
        listed.go_to("schedule")
        await pilot.press("enter")
        await dialog(pilot, ChooseDialog)
        assert app.screen.query_one(OptionList).option_count == 7
        await pilot.press("up", "enter")
        await until(pilot, lambda: app.form.form.text("schedule") == "linear")


async def test_a_digit_begins_a_number_and_what_is_wrong_stays_as_typed(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("lora.rank")
        await pilot.press("1", "2", "x", "enter")
        assert app.form.form.text("lora.rank") == "12x"
        await until(pilot, lambda: "1 problem" in text_of(app, "#train-problems"))
        assert "lora.rank" in text_of(app, "#train-problems")
        assert isinstance(app.focused, FieldList)


async def test_escape_takes_back_what_was_typed_and_backspace_the_whole_change(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("lora.rank")
        form = app.form.form
        await pilot.press("7", "enter", "9", "9", "escape")
        assert form.text("lora.rank") == "7"
        assert isinstance(app.screen, TrainScreen)
        await pilot.press("backspace")
        assert form.text("lora.rank") == "32"


async def test_keys_that_come_faster_than_they_are_dealt_with_are_not_lost(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("lora.rank")
        await pilot.pause()
        for key in ("6", "4", "x", "enter", "down", "1", "2", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        form = app.form.form
        await until(pilot, lambda: form.text("lora.alpha") == "12" and not app.form.editor.typing)
        assert form.text("lora.rank") == "64x"
        assert listed.key == "lora.alpha"


async def test_the_arrows_keep_what_is_typed_and_go_on(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("lora.rank")
        await pilot.press("4", "down", "8", "up")
        form = app.form.form
        assert (form.text("lora.rank"), form.text("lora.alpha")) == ("4", "8")
        assert listed.key == "lora.rank"


async def test_all_problems_are_listed_at_once_and_p_goes_from_one_to_the_next(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        form = app.form.form
        for key, text in (("lora.rank", "0"), ("learning_rate", "9"), ("patience", "2")):
            form.put(key, text)
        app.form.on_field_editor_changed()
        await until(pilot, lambda: form.current)
        assert "3 problems" in text_of(app, "#train-problems")
        seen = []
        for _ in range(3):
            await pilot.press("p")
            seen.append(listed.key)
        assert sorted(seen) == ["learning_rate", "lora.rank", "patience"]


async def test_a_run_with_problems_is_not_started(workspace: Workspace) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    async with app.run_test() as pilot:
        await opened(pilot, app)
        await pilot.press("s")
        await pilot.pause(0.05)
        assert isinstance(app.screen, TrainScreen)
    assert not app.warmth.taken
    assert not workspace.paths.runs.exists()


async def test_the_memory_is_shown_by_part_against_what_is_free(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, app)
        said = text_of(app, "#train-memory")
        for part in ("weights", "adapter", "optimiser", "activations", "together", "fits"):
            assert part in said


async def test_what_would_fit_instead_is_offered_and_taken_over(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows, SMALL))
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, app)
        form = app.form.form
        for key, text in (("batch_size", "64"), ("micro_batch", "as_written"), ("recompute_layers", "0")):
            form.put(key, text)
        app.form.on_field_editor_changed()
        await until(pilot, lambda: "does not fit" in text_of(app, "#train-memory"))
        await pilot.press("f")
        await dialog(pilot, ChooseDialog)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen) and form.current)
        assert form.outlook.plan is not None
        assert form.outlook.plan.estimate.fits


async def test_a_run_that_may_not_fit_is_asked_about_first(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows, SMALL))
    async with app.run_test() as pilot:
        await filled(pilot, app)
        form = app.form.form
        for key, text in (("batch_size", "64"), ("micro_batch", "as_written"), ("recompute_layers", "0")):
            form.put(key, text)
        app.form.on_field_editor_changed()
        await until(pilot, lambda: form.current)
        await pilot.press("s")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("n")
    assert not rows.paths.runs.exists()


async def test_keys_before_the_first_answer_are_not_lost(rows: Workspace) -> None:
    (rows.root / "recipes" / "support.toml").write_text(RECIPE, encoding="utf-8")
    outlooks = ScriptedOutlook(rows, hold=True)
    app = TrainStaged(rows, outlooks)
    async with app.run_test() as pilot:
        app.action_train("recipes/support.toml")
        await until(pilot, lambda: app.screen.query(FieldList) and outlooks.heard)
        await pilot.press("w")
        await until(pilot, lambda: app.form._choices is not None)
        assert isinstance(app.screen, TrainScreen)
        outlooks.let_go()
        await dialog(pilot, NameDialog)


async def test_what_was_typed_is_still_there_when_the_form_is_opened_again(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("seed")
        await pilot.press("7", "enter", "escape", "t")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        assert (app.form.form.text("seed"), app.form.form.text("base")) == ("7", "tiny")


async def test_saving_writes_the_recipe_under_a_name_and_goes_on_with_it(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        await filled(pilot, app)
        recipe = app.form.form.outlook.recipe
        await pilot.press("w")
        await dialog(pilot, NameDialog)
        await until(pilot, lambda: "written over" in text_of(app, "#name-note"))
        app.screen.query_one(Input).value = "../outside"
        await pilot.press("enter")
        await dialog(pilot, NameDialog)
        app.screen.query_one(Input).value = "mine"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        await until(pilot, lambda: app.form.form.file == "recipes/mine.toml" and app.form.form.current)
        assert app.form.form.outlook.recipe == recipe
    assert load_recipe(rows.root / "recipes" / "mine.toml") == recipe


async def test_opening_a_recipe_shows_what_it_says(rows: Workspace) -> None:
    (rows.root / "recipes" / "support.toml").write_text(RECIPE, encoding="utf-8")
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        await opened(pilot, app)
        await pilot.press("o")
        await dialog(pilot, ChooseDialog)
        await pilot.press("enter")
        await until(pilot, lambda: app.form.form.text("max_steps") == "3")


async def test_start_starts_the_run_in_the_queue_and_goes_to_it(rows: Workspace) -> None:
    held = DeviceLease(device_name())
    assert held.acquire(os.getpid(), "somebody-else")
    app = TrainStaged(rows)  # with the real helper process
    try:
        async with app.run_test() as pilot:
            await filled(pilot, app)
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))
            (folder,) = [RunFolder(path) for path in rows.paths.runs.iterdir()]
            await until(pilot, lambda: app.screen.query_one(RunList).chosen == folder.run_id)
            spec = folder.spec()
            assert spec.command.startswith("temper train --preset tiny-qlora --base tiny --dataset support")
            assert spec.params["recipe"]["lora"]["rank"] == 32
            assert view(folder).state == "waiting"
        assert app.warmth.taken
    finally:
        held.release()
        kill_all(rows)


async def test_a_helper_that_dies_is_an_error_and_the_form_stays(
    rows: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    app = TrainStaged(rows)
    async with app.run_test() as pilot:
        await pilot.press("2", "t")
        await dialog(pilot, ErrorDialog)
        assert text_of(app, "#dialog-title") == "The estimate has stopped"
        await pilot.press("escape")
        assert isinstance(app.screen, TrainScreen)


async def test_typing_hides_when_the_cursor_goes_elsewhere(rows: Workspace) -> None:
    app = TrainStaged(rows, ScriptedOutlook(rows))
    async with app.run_test() as pilot:
        listed = await filled(pilot, app)
        listed.go_to("lora.rank")
        await pilot.press("4")
        box = app.screen.query_one(ValueInput)
        assert box.display
        listed.go_to("seed")
        await until(pilot, lambda: not box.display)
        assert app.form.form.text("lora.rank") == "4"
        assert "seed" not in app.form.form.own


async def test_outside_a_workspace_there_is_no_form(tmp_path: Path) -> None:
    app = TemperApp(None, tmp_path)
    async with app.run_test():
        app.action_train()
        assert not isinstance(app.screen, TrainScreen)


async def test_a_workspace_that_names_nothing_can_still_be_typed_into(workspace: Workspace) -> None:
    app = TrainStaged(workspace, ScriptedOutlook(workspace))
    async with app.run_test() as pilot:
        listed = await opened(pilot, app)
        listed.go_to("init_from")
        await pilot.press("enter", *"last", "enter")
        assert app.form.form.text("init_from") == "last"
