"""The evals screen: suites, variants in a matrix, cases, two variants compared. Real results and verdicts."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Static

from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.confirm import ConfirmDialog
from app.tui.dialogs.error import ErrorDialog
from app.tui.dialogs.name import NameDialog
from app.tui.widgets.cases_pane import CaseList
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.matrix import MatrixPane
from app.tui.widgets.run_list import RunList
from app.tui.widgets.suite_list import SuiteList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.versus_pane import ChangedList
from store import labels
from store.records.events import Failure, Finished, Progress
from store.records.labels import Label
from store.workspace import Workspace
from tests.app.tui.evals_stage import EvalsStaged, lay_advice, lay_eval
from tests.app.tui.stage import Clock, alive, dialog, lay_run, text_of, until

pytestmark = pytest.mark.asyncio


def rows(app: EvalsStaged) -> list[str]:
    """The matrix, as texts."""
    matrix = app.screen.query_one(VariantRows)
    return [" ".join("".join(text for text, _ in matrix.line(at, 100)).split()) for at in range(matrix.count)]


async def test_the_matrix_shows_each_variant_by_its_newest_run(evaluated: Workspace, clock: Clock) -> None:
    clock.move(600)
    lay_eval(evaluated, "eval-3", {"base": "xx...x"})
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count == 2)
        assert rows(app) == [
            "base ━━━━━━━├──────────────●─────────────┤······· 50.0% 16-84% █ 100.0% ▅ 50.0%",
            "A tuned ━━━━━━━━━━━━━━━━━├──────────────────●──────┤ 83.3% 41-99% █ 100.0% ▇ 83.3%",
        ]
        await until(pilot, lambda: "33% to 50% over 2 runs" in text_of(app, "#matrix-note"))
        assert "2 variants, 3 runs" in str(app.screen.query_one(SuiteList).get_option_at_index(0).prompt)


async def test_slices_are_one_key_away(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "s")
        head = "".join(text for text, _ in app.screen.query_one(VariantRows).head(100))
        assert "critical" in head
        assert rows(app)[0].endswith("▅ 50.0%")


async def test_enter_on_a_variant_shows_its_cases_failed_ones_first(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "enter")
        cases = app.screen.query_one(CaseList)
        await until(pilot, lambda: cases.count == 6)
        assert "1 of 6 failed" in text_of(app, "#cases-head")
        assert [case.case for case in cases.cases] == ["c1", "c2", "c3", "c4", "c5", "c6"]
        assert not cases.cases[0].passed
        await until(pilot, lambda: '{"intent": "other"}' in text_of(app, "#case-text"))
        assert "expected another intent" in text_of(app, "#case-text")
        await pilot.press("f")
        assert cases.count == 1


async def test_two_variants_are_compared_case_by_case(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        changed = app.screen.query_one(ChangedList)
        await until(pilot, lambda: changed.count == 2 + 1 + 4)  # two heads, one broken, four fixed
        await until(pilot, lambda: "n too small to tell" in text_of(app, "#versus-head"))
        assert "A base 33.3%   B tuned 83.3%" in text_of(app, "#versus-head")
        assert changed.chosen is not None
        assert changed.chosen.case == "c1"
        await until(pilot, lambda: '{"intent": "recovery"}' in text_of(app, "#answer-a"))
        assert '{"intent": "other"}' in text_of(app, "#answer-b")


async def test_another_baseline_turns_the_comparison_round(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "a", "v")
        await until(pilot, lambda: "A tuned 83.3%   B base 33.3%" in text_of(app, "#versus-head"))


async def test_a_single_variant_has_nothing_to_be_compared_with(workspace: Workspace) -> None:
    lay_eval(workspace, "eval-1", {"base": "x....x"})
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        await until(pilot, lambda: "Only one variant was measured" in text_of(app, "#versus-head"))


async def test_a_suite_that_was_never_run_says_how_to(workspace: Workspace) -> None:
    app = EvalsStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("unrun"))
        await until(
            pilot,
            lambda: "temper eval evals/support.yaml --variant base" in text_of(app, "#matrix-note"),
        )
        assert rows(app) == ["base not measured: e evaluates it", "tuned not measured"]


async def test_without_suites_the_screen_says_what_to_type(workspace: Workspace) -> None:
    (workspace.paths.evals / "support.yaml").unlink()
    app = EvalsStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one("#no-suites").display)
        assert "temper eval new NAME --from DATASET/heldout" in text_of(app, "#no-suites")


async def test_an_evaluation_under_way_is_shown_with_what_is_left(workspace: Workspace) -> None:
    progress = Progress(phase="evaluate base", done=30, total=120, eta_seconds=9.0)
    folder = lay_run(workspace, "eval-1", "evaluate", "support: base", [progress])
    with alive(folder):
        app = EvalsStaged(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.screen.query_one("#eval-run").display)
            assert "30/120   0:09 left" in text_of(app, "#eval-run")


async def test_an_evaluation_that_failed_says_why(workspace: Workspace) -> None:
    why = Failure("The suite has no cases", "evals/support.yaml lists none.", "Add some.")
    lay_run(workspace, "eval-1", "evaluate", "support: base", [Finished(status="failed", error=why)])
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#eval-run").display)
        assert "The suite has no cases" in text_of(app, "#eval-run")


async def test_the_advisor_s_verdict_comes_with_a_card_for_each_approach(
    evaluated: Workspace, clock: Clock
) -> None:
    lay_advice(evaluated)
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("d")
        await until(pilot, lambda: "Train an adapter" in text_of(app, "#advice-head"))
        await until(pilot, lambda: len(app.screen.query(".advice-card")) == 2)
        cards = [str(card.content) for card in app.screen.query(".advice-card").results(Static)]
        assert cards[0].startswith("1 adapter")
        assert "83.0% 70-91%" in cards[0]
        assert "a case set of your own" in text_of(app, "#advice-says")


async def test_without_advice_the_pane_says_how_to_get_some(workspace: Workspace) -> None:
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.has_class("unrun"))
        await pilot.press("d")
        await until(pilot, lambda: "temper advise support" in text_of(app, "#advice-head"))


async def test_the_advisor_is_asked_by_a_key_and_told_who_would_train(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr("engine.jobs.launch.start", lambda *given: started.append(given))
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.has_class("unrun"))
        await pilot.press("d", "r")
        await until(pilot, lambda: started)
    _, kind, params, *_ = started[0]
    assert (kind, params.suite) == ("advise", "evals/support.yaml")
    assert "`temper advise evals/support.yaml` would train" in params.wanted.unprobed


async def test_variants_without_results_stand_below_the_others(workspace: Workspace) -> None:
    lay_eval(workspace, "eval-1", {"tuned": "x....x"})
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count == 2)
        await pilot.press("enter", "down")
        assert rows(app)[1] == "base not measured: e evaluates it"
        await until(pilot, lambda: "Not measured yet" in text_of(app, "#matrix-note"))


async def test_what_works_on_a_suite_is_stopped_after_a_question(workspace: Workspace) -> None:
    progress = Progress(phase="evaluate base", done=30, total=120, eta_seconds=9.0)
    folder = lay_run(workspace, "eval-1", "evaluate", "support: base", [progress])
    with alive(folder):
        app = EvalsStaged(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.screen.query_one("#eval-run").display)
            await pilot.press("z", "y")
            await until(pilot, (folder.path / "control").exists)
            assert "z" not in app.screen.active_bindings  # it was asked already


async def test_an_evaluation_that_was_stopped_says_how_it_goes_on(workspace: Workspace) -> None:
    lay_run(workspace, "eval-1", "evaluate", "support: base", [Finished(status="cancelled")])
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#eval-run").display)
        assert "was stopped" in text_of(app, "#eval-run")
        assert "temper runs resume eval-1" in text_of(app, "#eval-run")
        assert app.screen.active_bindings["g"].enabled


async def test_the_evaluation_of_another_suite_is_no_matter_of_this_one(evaluated: Workspace) -> None:
    why = Failure("The suite has no cases", "evals/helper.yaml lists none.", "Add some.")
    lay_run(evaluated, "eval-9", "evaluate", "helper: base", [Finished(status="failed", error=why)])
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        assert not app.screen.query_one("#eval-run").display


async def test_a_table_of_failures_becomes_a_suite(workspace: Workspace) -> None:
    (workspace.root / "failures.csv").write_text("input,expected\nWhich fee?,none\n", encoding="utf-8")
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.has_class("unrun"))
        await pilot.press("n")
        await dialog(pilot, ChooseDialog)
        await pilot.press("end", "enter")
        await dialog(pilot, NameDialog)
        await pilot.press("enter")
        await until(pilot, (workspace.paths.evals / "failures.yaml").exists)
        await until(pilot, lambda: "failures" in text_of(app, "#suite-head"))


async def test_both_sides_change_places(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        await until(pilot, lambda: "A base 33.3%   B tuned 83.3%" in text_of(app, "#versus-head"))
        await pilot.press("s")
        await until(pilot, lambda: "A tuned 83.3%   B base 33.3%" in text_of(app, "#versus-head"))


async def test_the_candidate_is_blessed_after_a_question(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        await until(pilot, lambda: "A base 33.3%   B tuned 83.3%" in text_of(app, "#versus-head"))
        await pilot.press("b")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("y")
        await until(pilot, lambda: "B tuned 83.3% ◆ blessed" in text_of(app, "#versus-head"))
        [label] = labels.read(evaluated.paths, "baseline")
        assert (label.target, label.value) == ("support", "eval-2:tuned")
        assert "b" not in app.screen.active_bindings  # it is already


async def test_a_candidate_that_fails_the_gate_is_not_blessed(evaluated: Workspace) -> None:
    settings = evaluated.root / "temper.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "[gates.support]\nmin_diff = 0.9\n")
    app = EvalsStaged(Workspace(evaluated.root))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "v")
        await until(pilot, lambda: "gate failed" in text_of(app, "#versus-head"))
        await pilot.press("b")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("y")
        await dialog(pilot, ErrorDialog)
        assert "nothing was blessed" in text_of(app, "#dialog-title")
        assert labels.read(evaluated.paths, "baseline") == []


async def test_the_blessed_variant_is_what_others_are_compared_with(evaluated: Workspace) -> None:
    labels.append(evaluated.paths, Label("baseline", "support", "eval-2:tuned"))
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        assert app.screen.query_one(MatrixPane).baseline == "tuned"


async def test_panes_of_a_variant_without_results_say_so(evaluated: Workspace) -> None:
    settings = evaluated.root / "temper.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[variants.new]\nmodel = "tiny"\n')
    app = EvalsStaged(Workspace(evaluated.root))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count == 3)
        await pilot.press("enter", "c")
        await until(pilot, lambda: app.screen.query_one(CaseList).count)
        await pilot.press("m", "end", "c")
        assert "new was not measured on this suite" in text_of(app, "#cases-head")
        assert app.screen.query_one(CaseList).count == 0  # no cases of another variant
        await pilot.press("v")
        assert "new was not measured" in text_of(app, "#versus-head")
        await pilot.press("x")
        assert "new was not measured" in text_of(app, "#failures-head")


async def test_a_suite_is_one_also_where_its_file_is_called_otherwise(workspace: Workspace) -> None:
    (workspace.paths.evals / "support.yaml").write_text("name: intents\ncases: []\n", encoding="utf-8")
    lay_eval(workspace, "eval-1", {"base": "x....x"}, suite="intents", file="support")
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        assert app.screen.query_one(SuiteList).option_count == 1
        assert "intents   evals/support.yaml" in text_of(app, "#suite-head")


async def test_enter_on_an_advice_shows_its_run(evaluated: Workspace) -> None:
    lay_advice(evaluated)
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("d")
        await until(pilot, lambda: app.screen.query(".advice-card"))
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "runs")
        await until(pilot, lambda: app.screen.query_one(RunList).chosen == "advise-1")


async def test_the_command_palette_has_the_keys_of_the_screen(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"Evaluate", "New suite", "Compare", "High contrast"} <= commands.keys()
        commands["Failures"].callback()
        await until(pilot, lambda: app.screen.query_one(GroupList).has_focus)


async def test_results_that_are_gone_are_an_error_and_leave_no_pane_waiting(evaluated: Workspace) -> None:
    (evaluated.paths.runs / "eval-2" / "results.jsonl").unlink()
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "c")
        await dialog(pilot, ErrorDialog)
        assert "no results" in text_of(app, "#dialog-title")
        await pilot.press("escape")
        await until(pilot, lambda: "could not be read" in text_of(app, "#cases-head"))


async def test_what_is_below_the_list_scrolls_by_key_and_the_cursor_stays(evaluated: Workspace) -> None:
    app = EvalsStaged(evaluated)
    async with app.run_test(size=(60, 16)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "c")
        await until(pilot, lambda: app.screen.query_one(CaseList).count)
        about = app.screen.query_one("#case-about")
        await until(pilot, lambda: about.max_scroll_y > 0)
        await pilot.press("J")
        await until(pilot, lambda: about.scroll_y > 0)
        assert app.screen.query_one(CaseList).cursor == 0
        await pilot.press("K")
        await until(pilot, lambda: about.scroll_y == 0)


@pytest.mark.slow
async def test_a_variant_is_evaluated_from_the_screen(workspace: Workspace) -> None:
    suite = "name: support\ncases:\n  - {id: c1, input: I lost my phone, expected: recovery}\n"
    (workspace.paths.evals / "support.yaml").write_text(suite + "checks: [{kind: exact}]\n", encoding="utf-8")
    app = EvalsStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        await pilot.press("enter", "e")
        await until(pilot, lambda: app.screen.query_one(VariantRows).chosen, 120.0)
        assert rows(app)[0].startswith("A base")
