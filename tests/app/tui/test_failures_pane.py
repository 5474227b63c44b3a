"""The panes of failures: groups named by a key, decisions taken back, cases kept. Real results and labels."""

from __future__ import annotations

import pytest

from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.error import ErrorDialog
from app.tui.widgets.cases_pane import CaseList
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.suite_list import SuiteList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.versus_pane import ChangedList
from engine.evals.suite import load_suite
from store import labels
from store.records.evals import Origin
from store.workspace import Workspace
from tests.app.tui.evals_stage import EvalsStaged
from tests.app.tui.stage import dialog, text_of, until

pytestmark = pytest.mark.asyncio


async def test_one_key_labels_a_whole_group_of_failures(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "down", "x")  # base, which failed four times
        groups = app.screen.query_one(GroupList)
        await until(pilot, lambda: groups.count)
        first = groups.groups[0]
        assert "4 failures" in text_of(app, "#failures-head")
        assert "Not yet a case for training" in text_of(app, "#failures-head")
        await until(pilot, lambda: '{"intent": "other"}' in text_of(app, "#group-text"))
        await pilot.press("l")
        await until(pilot, lambda: groups.groups[0].named)
        assert groups.groups[0].category == "label_noise"
        written = labels.read(evaluated.paths, "category")
        assert {label.value for label in written} == {"label_noise"}
        assert len(written) == len(first.members)


async def test_enter_confirms_the_guess_and_goes_on(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "down", "x")
        groups = app.screen.query_one(GroupList)
        await until(pilot, lambda: groups.count)
        guessed = groups.groups[0].guess.category
        await pilot.press("enter")
        await until(pilot, lambda: groups.groups[0].named)
        assert groups.groups[0].category == guessed


async def test_a_decision_can_be_taken_back(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "down", "x")
        groups = app.screen.query_one(GroupList)
        await until(pilot, lambda: groups.count)
        guessed = groups.groups[0].category
        await pilot.press("p")
        await until(pilot, lambda: groups.groups[0].category == "product")
        await pilot.press("u")
        await until(pilot, lambda: not groups.groups[0].named)
        assert groups.groups[0].category == guessed


async def test_a_failed_case_is_kept_by_one_key_and_remembers_its_run(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "c")
        await until(pilot, lambda: app.screen.query_one(CaseList).count == 6)
        await pilot.press("a")
        written = evaluated.paths.evals / "support-failures.yaml"
        await until(pilot, written.exists)
        cases = load_suite(written, evaluated.root).suite.cases
        assert isinstance(cases, list)
        [case] = cases
        assert case.origin == Origin(kind="failure", run="eval-2", variant="tuned", case="c1")
        await until(pilot, lambda: app.screen.query_one(SuiteList).option_count == 2)
        await pilot.press("a")
        await dialog(pilot, ErrorDialog)
        assert "a case already" in text_of(app, "#dialog-title")


async def test_a_case_says_where_it_came_from(evaluated: Workspace) -> None:
    suite = "name: support\ncases:\n  - {id: c1, input: a, origin: {kind: failure, run: eval-0, case: c9}}\n"
    (evaluated.paths.evals / "support.yaml").write_text(
        suite + "checks: [{kind: refusal}]\n", encoding="utf-8"
    )
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "c")
        await until(pilot, lambda: "case c9 of eval-0" in text_of(app, "#case-text"))


async def test_a_click_on_a_category_decides(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "down", "x")
        groups = app.screen.query_one(GroupList)
        await until(pilot, lambda: groups.count)
        await pilot.click("#group-keys", offset=(len("b behaviour  f "), 0))
        await until(pilot, lambda: groups.groups[0].named)
        assert groups.groups[0].category == "format"


async def test_a_broken_case_is_kept_from_the_comparison(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        await until(pilot, lambda: app.screen.query_one(ChangedList).count)
        await pilot.press("a")
        written = evaluated.paths.evals / "support-failures.yaml"
        await until(pilot, written.exists)
        assert "run: eval-2" in written.read_text(encoding="utf-8")
        await pilot.press("end", "a")  # a fixed case is no failure
        assert "a" not in app.screen.active_bindings or not app.screen.active_bindings["a"].enabled


async def test_complaints_of_a_file_are_decided_like_failures_of_a_run(evaluated: Workspace) -> None:
    (evaluated.root / "complaints.csv").write_text(
        "question,complaint\nWhich fee?,it was rude\nIs it free?,it was rude again\n", encoding="utf-8"
    )
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "x")
        await until(pilot, lambda: app.screen.query_one(GroupList).count)
        await pilot.press("i")
        await dialog(pilot, ChooseDialog)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "complaints.csv" in text_of(app, "#failures-head"))
        groups = app.screen.query_one(GroupList)
        await pilot.press("t")
        await until(pilot, lambda: groups.groups[0].named)
        assert groups.groups[0].category == "tone"
        assert "a" not in app.screen.active_bindings  # no run that the case could remember
        await pilot.press("i")
        await dialog(pilot, ChooseDialog)
        await pilot.press("home", "enter")
        await until(pilot, lambda: "eval-2" in text_of(app, "#failures-head"))
