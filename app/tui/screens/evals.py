"""Evals: suites on the left; on the right variants by check and slice, cases, comparisons, failures, advice.

Results are read and compared in threads, evaluations run as jobs. What a figure means is not known here.
"""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, OptionList, Static

from app.tui import case_feed, scoreboard, suite_feed
from app.tui.errors import giving_up, shown
from app.tui.messages import FailureKept, RunNow, RunsPolled
from app.tui.scoreboard import Scored, Sheet
from app.tui.screens.sided import Sheets, SidedScreen
from app.tui.texts import visible
from app.tui.widgets.advice_pane import AdvicePane
from app.tui.widgets.cases_pane import CaseList, CasesPane
from app.tui.widgets.failures_pane import FailuresPane
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.long_list import LongList
from app.tui.widgets.matrix import MatrixPane
from app.tui.widgets.pane_tabs import PaneTabs
from app.tui.widgets.suite_list import SuiteList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.variant_words import about_run, unmeasured
from app.tui.widgets.versus_pane import ChangedList, VersusPane
from store.records.runs import ENDED

PANES = {
    "matrix": ("m", "Variants"),
    "cases": ("c", "Cases"),
    "versus": ("v", "Compare"),
    "failures": ("x", "Failures"),
    "advice": ("d", "Advice"),
}
FAILURES = "-failures"  # behind a suite's name: the suite that its failures are kept in
NOTHING = Content.assemble(
    ("No suites yet\n", "bold"),
    ("Press ", "$quiet"),
    ("n", "bold $accent"),
    (" to make one of held-out rows, or of a CSV of failures, or type\n\n", "$quiet"),
    ("temper eval new NAME --from DATASET/heldout\n\n", "bold $primary"),
    ("and it appears here.", "$quiet"),
)


class EvalsScreen(SidedScreen):
    """Highlighting a suite opens it; the cursor in the matrix says of which variant the other panes are."""

    CSS_PATH: ClassVar[Sheets] = [SidedScreen.SHEET, "evals.tcss"]
    MODE = "evals"
    AUTO_FOCUS = "SuiteList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", "Evaluate"),
        Binding("z", "stop", "Stop"),
        Binding("g", "go_on", "Go on"),
        Binding("n", "new", "New suite"),
        Binding("m", "pane('matrix')", "Variants", show=False),
        Binding("c", "pane('cases')", "Cases", show=False),
        Binding("v", "pane('versus')", "Compare", show=False),
        Binding("x", "pane('failures')", "Failures", show=False),
        Binding("d", "pane('advice')", "Advice", show=False),
        Binding("r", "advise", "Ask the advisor"),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet: Sheet | None = None
        self._built = False
        self._read: tuple[object, ...] = ()

    def body(self) -> ComposeResult:
        """Suites; one of them; or how to get a first one."""
        with Horizontal(id="evals", classes="sides"):
            with Vertical(id="evals-left", classes="left-side"):
                yield SuiteList()
            with Vertical(id="evals-right", classes="right-side"):
                yield Static(id="suite-head")
                yield PaneTabs(PANES)
                yield Static(id="eval-run")
                with ContentSwitcher(initial="matrix", id="eval-panes"):
                    yield MatrixPane()
                    yield CasesPane()
                    yield VersusPane()
                    yield FailuresPane()
                    yield AdvicePane()
            yield Static(NOTHING, id="no-suites", classes="nothing-yet")

    def on_mount(self) -> None:
        """Show what the board knows."""
        self._built = True
        self.runs_changed(None)

    @property
    def pane(self) -> str:
        """What is shown on the right."""
        return self.query_one("#eval-panes", ContentSwitcher).current or next(iter(PANES))

    @property
    def _row(self) -> Scored | None:
        return self.query_one(VariantRows).chosen

    # What is known

    @shown
    def runs_changed(self, batch: RunsPolled | None) -> None:
        """Runs came or ended."""
        if (
            not self._built or not self.board.complete
        ):  # else the cursor would stay on a suite without results
            return
        changed = batch.changed if batch is not None else []
        ended = {run.view.kind for run in changed if run.view.state in ENDED}
        if batch is None or self._sheet is None or "evaluate" in ended:
            self._look()
        self._show_run()
        if batch is None or any(run.view.kind == "advise" for run in changed):
            self.call_next(self._fill_advice)

    def _look(self, wanted: str = "") -> None:
        sheets = scoreboard.sheets(self.workspace, self.board.newest_first())
        self.set_class(not sheets, "empty")
        self.query_one(SuiteList).show(sheets, wanted)
        if (sheet := self.query_one(SuiteList).chosen) is not None:
            self._show_sheet(sheet)

    @shown
    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another suite: open it."""
        if (sheet := self.query_one(SuiteList).chosen) is not None:
            self._show_sheet(sheet)
            self._show_run()
            self.call_next(self._fill_advice)

    def _show_sheet(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.set_class(not sheet.rows, "unrun")
        self.query_one("#suite-head", Static).update(
            Content.assemble((visible(sheet.suite), "bold"), (f"   {visible(sheet.path)}", "$quiet"))
        )
        self.query_one(MatrixPane).show(sheet)
        self._show_tabs()
        self._fill()
        self.refresh_bindings()

    def _show_run(self) -> None:
        """The newest evaluation of this suite, unless it ended well."""
        run, place = self._run(), self.query_one("#eval-run", Static)
        place.display = run is not None and run.view.state != "finished"
        if run is not None and place.display:
            width = max(40, self.query_one(PaneTabs).content_size.width)
            place.update(about_run(run, width))
        self.refresh_bindings()

    def _run(self) -> RunNow | None:
        if self._sheet is None:
            return None
        return scoreboard.run_on(self._sheet, self.board.newest_first())

    def _going(self) -> RunNow | None:
        """What works on this suite now: an evaluation, or the advisor."""
        sheet = self._sheet
        found = (self._run(), self._advising()) if sheet is not None else ()
        return next((run for run in found if run is not None and run.view.state not in ENDED), None)

    def _advising(self) -> RunNow | None:
        if self._sheet is None:
            return None
        return scoreboard.advice_on(self._sheet, self.board.newest_first())[0]

    # Cases and comparisons, read when they are looked at

    def _fill(self) -> None:
        sheet, row = self._sheet, self._row
        if sheet is None:
            return
        if row is None:
            self._say_unmeasured(sheet)
        elif self.pane == "cases":
            self._fill_cases(sheet, row)
        elif self.pane == "versus":
            self._fill_versus(sheet, row)
        elif self.pane == "failures":
            self._fill_failures(row)

    def _say_unmeasured(self, sheet: Sheet) -> None:
        self._is_new()
        told = unmeasured(sheet, self.query_one(VariantRows).chosen_name)
        self.query_one(CasesPane).nothing(told)
        self.query_one(VersusPane).nothing(told)
        self.query_one(FailuresPane).nothing(told)

    async def _fill_advice(self) -> None:
        if self._sheet is not None and self.pane == "advice":
            run, advice = scoreboard.advice_on(self._sheet, self.board.newest_first())
            await self.query_one(AdvicePane).show(self._sheet.suite, run, advice)

    def _fill_cases(self, sheet: Sheet, row: Scored) -> None:
        if self._is_new("cases", sheet.suite, row.run_id, row.score.name):
            self.query_one(CasesPane).wait(row.score.name, row.run_id)
            self._read_cases(sheet, row)

    @work(thread=True, group="cases", exclusive=True)
    @shown
    def _read_cases(self, sheet: Sheet, row: Scored) -> None:
        pane = self.query_one(CasesPane)
        with giving_up(self, pane.failed):
            cases = case_feed.cases(self.workspace, sheet.suite, row)
        if self.is_attached:
            self.app.call_from_thread(pane.show, row.run_id, cases)
        origins = suite_feed.origins(self.workspace, sheet.path)
        if self.is_attached:
            self.app.call_from_thread(pane.show_origins, row.run_id, origins)

    def _fill_versus(self, sheet: Sheet, b: Scored) -> None:
        baseline = self.query_one(MatrixPane).baseline
        a = next((row for row in sheet.rows if row.score.name == baseline), b)
        if a is b:  # the cursor is on the baseline: any other will do
            b = next((row for row in sheet.rows if row is not a), b)
        if self._is_new("versus", sheet.suite, a.run_id, a.score.name, b.run_id, b.score.name):
            self.query_one(VersusPane).look(self.workspace, sheet.suite, a, b)

    def _fill_failures(self, row: Scored) -> None:
        if self._is_new("failures", row.run_id, row.score.name):
            self.query_one(FailuresPane).look(self.workspace, row)

    def on_versus_pane_swapped(self, event: VersusPane.Swapped) -> None:
        """The other one is the baseline now."""
        self.query_one(MatrixPane).compare(event.a, event.b)
        self._fill()

    def _is_new(self, *what: object) -> bool:
        new = what != self._read
        self._read = what
        return new

    # Suites and runs

    def on_failure_kept(self, event: FailureKept) -> None:
        """A failure becomes a case of the suite that is beside this one."""
        sheet = self._sheet
        if sheet is None:
            return
        stem = scoreboard.stem_of(sheet.path) or sheet.suite
        if stem.endswith(FAILURES):
            self.notify("It is a case of this suite already.", severity="warning")
        else:
            self._keep(f"{stem}{FAILURES}", event)

    @work(thread=True, group="suites")
    @shown
    def _keep(self, suite: str, kept: FailureKept) -> None:
        told = suite_feed.keep(self.workspace, suite, kept.run, kept.case, kept.variant)
        if self.is_attached:
            self.notify(f"Kept in {told}")
            self.app.call_from_thread(self._look)

    @work(thread=True, group="suites")
    @shown
    def action_new(self) -> None:
        """Make a suite: of which rows, under which name."""
        sources = suite_feed.sources(self.workspace)
        if self.is_attached:
            self.app.call_from_thread(self._choose_source, sources)

    def _choose_source(self, sources: list[tuple[str, str]]) -> None:
        from app.tui.dialogs.new_suite import ask_for_suite

        if sources:
            ask_for_suite(self.app, sources, self._make)
        else:
            self.notify("There are no rows yet: temper data import FILE --as NAME", severity="warning")

    @work(thread=True, group="suites")
    @shown
    def _make(self, name: str, source: str) -> None:
        told = suite_feed.make(self.workspace, name, source)
        if self.is_attached:
            self.notify(told)
            self.app.call_from_thread(self._look, name)

    def action_evaluate(self) -> None:
        """Evaluate the variant under the cursor on this suite, again or for the first time."""
        run, sheet = self._run(), self._sheet
        variant = self.query_one(VariantRows).chosen_name
        if run is not None and run.view.state not in ENDED:
            self.notify("An evaluation is under way already.", severity="warning")
        elif sheet is not None and not sheet.path:
            self.notify(f"evals/ has no file of {sheet.suite} any more.", severity="warning")
        elif not variant:
            self.notify("temper.toml has no variants yet.", severity="warning")
        elif sheet is not None:
            self.notify(f"Evaluating {variant} on {sheet.suite} …")
            self._start(case_feed.evaluate, sheet.path, variant)

    def action_advise(self) -> None:
        """Ask the advisor about this suite."""
        run, sheet = self._advising(), self._sheet
        if run is not None and run.view.state not in ENDED:
            self.notify("The advisor is at it already.", severity="warning")
        elif sheet is not None and sheet.path:
            self.notify(f"Measuring {sheet.suite} in every way there is …")
            self._start(case_feed.advise, sheet.path)

    @work(thread=True, group="start")
    @shown
    def _start(self, start: case_feed.Start, path: str, *variant: str) -> None:
        start(self.workspace, path, *variant)

    def action_stop(self) -> None:
        """Ask, then stop what works on this suite."""
        if (run := self._going()) is not None:
            self.ask_to_stop(run, "What was answered so far is kept.")

    def action_go_on(self) -> None:
        """Take up an evaluation that was stopped."""
        if (run := self._run()) is not None:
            self.go_on_with(run)

    def on_advice_pane_opened(self, event: AdvicePane.Opened) -> None:
        """The run behind an advice."""
        self.temper.go_to_run(event.run_id)

    # Moving about

    def _show_tabs(self) -> None:
        sheet = self._sheet
        self.query_one(PaneTabs).show(self.pane, {"matrix": len(sheet.rows) if sheet is not None else None})

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a suite goes into it."""
        if self._sheet is not None:
            self.action_pane("matrix")

    def on_long_list_chosen(self, event: LongList.Chosen) -> None:
        """Enter on a variant shows its cases."""
        if isinstance(event.long_list, VariantRows) and self._row is not None:
            self.action_pane("cases")

    @shown
    def action_pane(self, name: str) -> None:
        """Show a pane."""
        self.query_one("#eval-panes", ContentSwitcher).current = name
        self._fill()
        self.call_next(self._fill_advice)
        parts: dict[str, Widget] = {
            "matrix": self.query_one(VariantRows),
            "cases": self.query_one(CaseList),
            "versus": self.query_one(ChangedList),
            "failures": self.query_one(GroupList),
            "advice": self.query_one(AdvicePane),
        }
        self.go_inside(True)
        parts[name].focus()
        self._show_tabs()
        self.refresh_bindings()

    def action_back(self) -> None:
        """One step back: to the matrix, then to the suites."""
        if self.pane != "matrix":
            self.action_pane("matrix")
            return
        self.go_inside(False)
        self.query_one(SuiteList).focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if not self._built:
            return True
        sheet = self._sheet
        if action == "back":
            return self.inside
        if action == "stop":
            return self.can_stop(self._going())
        if action == "go_on":
            run = self._run()
            return run is not None and run.view.resumable
        if action == "new":
            return not self.inside
        if action == "advise":
            return self.pane == "advice" and sheet is not None and bool(sheet.path)
        if action == "pane":
            return sheet is not None and (bool(sheet.rows) or parameters[0] in ("advice", "matrix"))
        if action == "evaluate":
            return sheet is not None and self.pane == "matrix"
        return True
