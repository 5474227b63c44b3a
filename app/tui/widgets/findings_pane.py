"""Findings of the newest check: verdict, a line each, and of the highlighted one remedy, figures and rows."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.tui.errors import shown
from app.tui.messages import RunNow
from app.tui.row_feed import RowFeed
from app.tui.widgets import figures, finding_words, run_words
from app.tui.widgets.row_table import Entry, RowTable
from store.records.data import DatasetInfo
from store.records.findings import CheckReport, Finding

SKIPPED = "skipped"  # the id of the line that names checks which did not run; no check is called so


class FindingList(OptionList):
    """A line per finding; an option's id is the finding's. `rowed`: those that have rows to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("enter", "select", "Its rows", key_display="⏎"),
    ]
    rowed: frozenset[str] = frozenset()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint where there are no rows."""
        option = self.highlighted_option
        return action != "select" or (option is not None and option.id in self.rowed)


class FindingsPane(Vertical):
    """Shows whatever version it is given."""

    class Opened(Message):
        """The user wants to read one row of a finding among its others."""

        def __init__(self, finding: Finding, place: int) -> None:
            super().__init__()
            self.finding = finding
            self.place = place

    def __init__(self) -> None:
        super().__init__(id="findings")
        self.report: CheckReport | None = None
        self._feed: RowFeed | None = None
        self._rows_of: tuple[str, RowFeed] | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom; what is empty hides."""
        yield Static(id="verdict")
        yield Static(id="check-run")
        yield Static(id="never-checked")
        yield FindingList(id="finding-list")
        with Horizontal(id="finding"), VerticalScroll(id="finding-about", can_focus=False):
            yield Static(id="finding-text")
            yield Static(id="finding-figures")
        yield RowTable("finding-rows")

    @property
    def chosen(self) -> Finding | None:
        """The highlighted finding."""
        option = self.query_one(FindingList).highlighted_option
        findings = self.report.findings if self.report is not None else []
        return next((one for one in findings if option is not None and one.id == option.id), None)

    def show(self, info: DatasetInfo, report: CheckReport | None, feed: RowFeed | None) -> None:
        """Show a version's newest report; `feed` comes later than the rest."""
        same = report is not None and self.report is not None and report.sha256 == self.report.sha256
        self.report, self._feed = report, feed
        self._show_verdict()
        self.query_one("#never-checked", Static).update(never_checked(info))
        self.set_class(report is None, "unchecked")
        self.set_class(report is not None and not report.findings and not report.skipped, "clean")
        if same and self.query_one(FindingList).option_count:
            self._show_finding()
        else:
            self._fill()

    def show_run(self, run: RunNow | None) -> None:
        """A check that is under way, or that failed; None: neither."""
        self.set_class(run is not None, "checking")
        if run is None:
            return
        parts = [run_words.head(run, self._width())]
        if (problem := run_words.problem(run.view)) is not None:
            parts = [problem]
        elif run.progress is not None:
            parts.append(Content.styled(run.progress.phase, "$quiet"))
        self.query_one("#check-run", Static).update(Content("\n").join(parts))

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        if self.report is not None:
            self._fill()

    def _width(self) -> int:
        return max(24, self.content_size.width)

    def _show_verdict(self) -> None:
        line = finding_words.verdict(self.report) if self.report is not None else Content("")
        self.query_one("#verdict", Static).update(line)

    def _fill(self) -> None:
        listed = self.query_one(FindingList)
        kept = listed.highlighted_option.id if listed.highlighted_option else None
        report, width = self.report, self._width() - 3  # a space on both sides, and the scrollbar's place
        options = []
        if report is not None:
            options = [
                Option(finding_words.line(one, report.rows, width), id=one.id) for one in report.findings
            ]
            if report.skipped:
                count = len(report.skipped)
                said = f"◌ {count} check{'s' * (count != 1)} did not run"
                options.append(Option(Content.styled(said, "$quiet"), id=SKIPPED))
            listed.rowed = frozenset(one.id for one in report.findings if one.rows or one.groups)
        with listed.prevent(OptionList.OptionHighlighted):
            listed.set_options(options)
            ids = [option.id for option in options]
            listed.highlighted = (ids.index(kept) if kept in ids else 0) if options else None
        self._show_finding()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another finding."""
        event.stop()
        self._show_finding()
        self.screen.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter goes on to the rows."""
        event.stop()
        if self.has_class("rowed"):
            self.query_one("#finding-rows").focus()

    @shown
    def _show_finding(self) -> None:
        finding, report, width = self.chosen, self.report, self._width()
        text = self.query_one("#finding-text", Static)
        chart = None
        if finding is not None:
            text.update(finding_words.in_full(finding, width))
            chart = figures.charts(finding.figures, width)
        elif report is not None and report.skipped:
            text.update(finding_words.skipped(report))
        else:
            text.update("")
        self.query_one("#finding-figures", Static).update(chart or Content(""))
        self.set_class(chart is not None, "charted")
        self.set_class(finding is not None and bool(finding.rows or finding.groups), "rowed")
        self.query_one("#finding-about", VerticalScroll).scroll_home(animate=False)
        self._show_rows(finding)

    def _show_rows(self, finding: Finding | None) -> None:
        feed = self._feed
        if finding is None or feed is None:
            self._rows_of = None
            self.query_one("#finding-rows", RowTable).show(None, ())
        elif self._rows_of != (finding.id, feed):
            self._rows_of = (finding.id, feed)
            self._find_rows(finding, feed)

    @work(thread=True, group="finding-rows", exclusive=True)
    @shown
    def _find_rows(self, finding: Finding, feed: RowFeed) -> None:
        listed = finding_words.entries(finding, feed)
        if self.is_attached:
            self.app.call_from_thread(self._rows_found, finding, feed, listed)

    def _rows_found(self, finding: Finding, feed: RowFeed, listed: list[Entry]) -> None:
        if self._rows_of == (finding.id, feed):
            self.query_one("#finding-rows", RowTable).show(feed, listed, finding.notes)

    def on_long_list_chosen(self, event: RowTable.Chosen) -> None:
        """Enter on a row."""
        event.stop()
        finding, place = self.chosen, self.query_one("#finding-rows", RowTable).place
        if finding is not None and place is not None:
            self.post_message(self.Opened(finding, place))


def never_checked(info: DatasetInfo) -> Content:
    """What to do with a version that no check has looked at."""
    return Content.assemble(
        ("Not checked yet\n", "bold"),
        ("Duplicates, leaks into the held-out rows, conflicting answers, secrets, cut rows:\n", "$quiet"),
        ("find them before a GPU second is spent. Press ", "$quiet"),
        ("c", "bold $accent"),
        (", or type\n\n", "$quiet"),
        (f"temper data check {info.name}@{info.version}", "bold $primary"),
    )
