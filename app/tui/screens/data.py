"""Data: versions on the left; on the right what is wrong with one, its rows, a row as a model sees it.

Checks run as jobs; files are read and rows rendered in threads. What a check looks for is not known here.
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

from app.tui import shelf
from app.tui.errors import shown
from app.tui.mending import command_of, is_simple, mend
from app.tui.messages import RunNow, RunsPolled
from app.tui.preview_feed import PreviewFeed
from app.tui.row_feed import RowFeed
from app.tui.screens.sided import Sheets, SidedScreen
from app.tui.shelf import Book, Page
from app.tui.widgets.book_list import BookList
from app.tui.widgets.data_words import NOTHING, about, not_imported
from app.tui.widgets.dropped_pane import DroppedList, DroppedPane
from app.tui.widgets.findings_pane import FindingList, FindingsPane
from app.tui.widgets.pane_tabs import PaneTabs
from app.tui.widgets.preview_pane import PreviewPane
from app.tui.widgets.rows_pane import RowsPane
from app.tui.widgets.token_view import TokenView
from store.records.data import DatasetInfo
from store.records.runs import ENDED

LOOK_SECONDS = 2.0  # how often new versions and reports are looked for
PANES = {
    "findings": ("f", "Findings"),
    "rows": ("r", "Rows"),
    "preview": ("p", "Preview"),
    "dropped": ("d", "Dropped"),
}


class DataScreen(SidedScreen):
    """Highlighting a version opens it. Nothing here changes a version: a fix makes another."""

    CSS_PATH: ClassVar[Sheets] = [SidedScreen.SHEET, "data.tcss"]
    MODE = "data"
    AUTO_FOCUS = "BookList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "check", "Check"),
        Binding("x", "fix", "Fix"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("f", "pane('findings')", "Findings", show=False),
        Binding("r", "pane('rows')", "Rows", show=False),
        Binding("p", "pane('preview')", "Preview", show=False),
        Binding("d", "pane('dropped')", "Dropped rows", show=False),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.previews: PreviewFeed | None = None
        self._books: list[Book] | None = None
        self._stamp: tuple[int, ...] = ()
        self._open: DatasetInfo | None = None
        self._page = Page(None, [])
        self._rows: RowFeed | None = None
        self._way: list[str] = []
        self._built = False
        self._wanted = ""

    def body(self) -> ComposeResult:
        """Versions; one of them; or how to get a first one."""
        with Horizontal(id="data", classes="sides"):
            with Vertical(id="data-left", classes="left-side"):
                yield BookList()
            with Vertical(id="data-right", classes="right-side"):
                yield Static(id="data-head")
                yield PaneTabs(PANES)
                yield Static(id="not-imported")
                with ContentSwitcher(initial="findings", id="panes"):
                    yield FindingsPane()
                    yield RowsPane()
                    yield PreviewPane()
                    yield DroppedPane()
            yield Static(NOTHING, id="no-data", classes="nothing-yet")

    def on_mount(self) -> None:
        """Look at the files now and every so often."""
        self._built = True
        self.previews = self.temper.preview_feed()
        self._look(fresh=True)
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Let go of the open file."""
        if self._rows is not None:
            self._rows.close()

    @property
    def pane(self) -> str:
        """What is shown on the right."""
        return self.query_one("#panes", ContentSwitcher).current or next(iter(PANES))

    # What lies on the disk

    @work(thread=True, group="shelf", exclusive=True)
    @shown
    def _look(self, fresh: bool = False) -> None:
        now = shelf.stamp(self.workspace)
        if not fresh and now == self._stamp:
            return
        books = shelf.look(self.workspace)
        if self.is_attached:
            self.app.call_from_thread(self._looked, books, now)

    @shown
    def _looked(self, books: list[Book], now: tuple[int, ...]) -> None:
        self._books, self._stamp = books, now
        self.set_class(not books, "empty")
        listed = self.query_one(BookList)
        listed.show(books)
        if self._wanted and listed.choose(self._wanted):
            self._wanted = ""
        chosen = listed.chosen
        if chosen is not None:
            self._show_book(chosen, again=True)

    @shown
    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another version: open it."""
        if isinstance(event.option_list, BookList) and (book := event.option_list.chosen) is not None:
            self._show_book(book)

    def _show_book(self, book: Book, again: bool = False) -> None:
        self.set_class(book.info is None, "unimported")
        if book.info is None:
            self._open = None
            self.query_one("#data-head", Static).update(Content.styled(book.name, "bold"))
            self.query_one("#not-imported", Static).update(not_imported(book))
        elif self._open is None or shelf.key_of(self._open) != book.key:
            self._open, self._page = book.info, Page(None, [])
            self._way.clear()
            self._change_rows(None)
            self.query_one("#data-head", Static).update(about(book.info))
            self._read(book.info, rows=True)
        elif again:
            self._read(book.info, rows=False)
        self._show_tabs()
        self.runs_changed(None)

    @work(thread=True, group="open", exclusive=True)
    @shown
    def _read(self, info: DatasetInfo, rows: bool) -> None:
        page = shelf.read_page(self.workspace, info)
        first = self.previews.first_name(info.name) if self.previews is not None else ""
        if self.is_attached:
            self.app.call_from_thread(self._page_read, info, page, first)
        if rows and info is self._open:
            feed = RowFeed(self.workspace.paths, info)
            if self.is_attached:
                self.app.call_from_thread(self._rows_read, info, feed)

    def _page_read(self, info: DatasetInfo, page: Page, first: str) -> None:
        if self._open is None or shelf.key_of(info) != shelf.key_of(self._open):
            return
        self._page = page
        self.query_one(PreviewPane).start_as(info.name, first)
        self.query_one(RowsPane).findings = page.report.findings if page.report is not None else []
        self.query_one(FindingsPane).show(info, page.report, self._rows)
        self.query_one(DroppedPane).show(info, page.dropped)
        self._show_tabs()
        self.refresh_bindings()

    def _rows_read(self, info: DatasetInfo, feed: RowFeed) -> None:
        if info is not self._open:
            feed.close()
            return
        self._change_rows(feed)
        self.query_one(FindingsPane).show(info, self._page.report, feed)

    def _change_rows(self, feed: RowFeed | None) -> None:
        old, self._rows = self._rows, feed
        self.query_one(RowsPane).show(feed)
        self.query_one(PreviewPane).clear()
        if old is not None:
            old.close()

    # Checks under way

    def runs_changed(self, batch: RunsPolled | None) -> None:
        """Show the check of the open version, while it works and if it failed."""
        if not self._built:
            return
        run = self._check_run()
        report = self._page.report
        ended_well = run is not None and run.view.state in ("finished", "cancelled")
        old = run is not None and report is not None and run.view.created < report.created
        hidden = run is None or ended_well or (run.view.state in ENDED and old)
        self.query_one(FindingsPane).show_run(None if hidden else run)
        if batch is not None and any(one.view.state in ENDED for one in batch.changed):
            self._look()

    def _check_run(self) -> RunNow | None:
        """The newest check of the chosen dataset."""
        book = self.query_one(BookList).chosen
        title = f"check {book.key}" if book is not None else ""
        return next((run for run in self.board.newest_first() if run.view.title == title), None)

    def action_check(self) -> None:
        """Start a check of the highlighted version, unless one is under way."""
        run, book = self._check_run(), self.query_one(BookList).chosen
        if run is not None and run.view.state not in ENDED:
            self.notify("It is being checked already.", severity="warning")
        elif book is not None:
            self.notify(f"Starting to check {book.key} …")
            self.query_one("#panes", ContentSwitcher).current = "findings"
            self._show_tabs()
            self._start_check(book.key)

    @work(thread=True, group="check")
    @shown
    def _start_check(self, reference: str) -> None:
        from app.tui.checking import start_check

        assert self.previews is not None  # made when the screen was
        start_check(self.workspace, reference, self.previews)

    def action_fix(self) -> None:
        """The step that mends the highlighted finding."""
        from app.tui.dialogs.fix import FixDialog

        finding, info = self.query_one(FindingsPane).chosen, self._open
        if finding is None or info is None or not finding.remedy:
            return
        command = command_of(finding)

        def answered(yes: bool | None) -> None:
            if yes:
                self.notify(f"Mending {shelf.key_of(info)} …")
                self._mend(command, shelf.key_of(info))

        self.app.push_screen(FixDialog(finding, command, is_simple(command)), answered)

    @work(thread=True, group="mend")
    @shown
    def _mend(self, command: str, reference: str) -> None:
        version, told = mend(self.workspace, command, reference)
        self.app.call_from_thread(self._mended, version, told)

    def _mended(self, version: str, told: str) -> None:
        self.notify(told)
        self._wanted = version
        self._look(fresh=True)

    # Moving about

    def _show_tabs(self) -> None:
        report, info = self._page.report, self._open
        counts: dict[str, int | None] = {
            "findings": len(report.findings) if report is not None else None,
            "rows": info.rows_kept if info is not None else None,
            "dropped": info.dropped_rows if info is not None else None,
        }
        self.query_one(PaneTabs).show(self.pane, counts)

    def action_pane(self, name: str) -> None:
        """Show a pane."""
        self._way.clear()
        self._go(name)

    def _go(self, name: str) -> None:
        self.go_inside(True)
        self.query_one("#panes", ContentSwitcher).current = name
        if name == "preview":
            self._preview()
        self._main_part(name).focus()
        self._show_tabs()
        self.refresh_bindings()

    def _main_part(self, name: str) -> Widget:
        parts: dict[str, Widget] = {
            "findings": self.query_one(FindingList),
            "rows": self.query_one(RowsPane).table,
            "preview": self.query_one(TokenView),
            "dropped": self.query_one(DroppedList),
        }
        return parts[name]

    @shown
    def action_back(self) -> None:
        """One step back: out of the search, to where one came from, out of a filter, to the list."""
        rows = self.query_one(RowsPane)
        if self.pane == "rows" and rows.searching:
            rows.loosen()
        elif self._way:
            self._go(self._way.pop())
        elif self.pane != "rows" or not rows.loosen():
            self.go_inside(False)
            self.query_one(BookList).focus()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a version goes into it."""
        if self._open is not None:
            self.action_pane(self.pane)

    def on_findings_pane_opened(self, event: FindingsPane.Opened) -> None:
        """A row of a finding among the finding's rows."""
        self.query_one(RowsPane).narrow_to(event.finding, event.place)
        self._way = ["findings"]
        self._go("rows")

    def on_rows_pane_opened(self, event: RowsPane.Opened) -> None:
        """A row as a model sees it."""
        self._way.append("rows")
        self._go("preview")

    # Rows and their preview

    def on_rows_pane_narrowed(self) -> None:
        """The preview is of a row in the table."""
        if self.pane == "preview":
            self._preview()
        self.refresh_bindings()

    def action_search(self) -> None:
        """Type to find rows."""
        self._go("rows")
        self.query_one(RowsPane).open_search()

    def _preview(self) -> None:
        table = self.query_one(RowsPane).table
        if self._rows is not None and self.previews is not None and table.place is not None:
            position = (table.cursor + 1, table.count)
            self.query_one(PreviewPane).show(self._rows, self.previews, table.place, position)

    def action_turn(self, by: int) -> None:
        """The next or previous row of the table."""
        self.query_one(RowsPane).table.action_move(by)
        self._preview()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if not self._built:
            return True
        inside = self.inside
        if action == "back":
            return inside
        if action in ("search", "pane"):
            return self._open is not None or self._books is None  # typed ahead of the list
        if action == "fix":
            finding = self.query_one(FindingsPane).chosen
            return self.pane == "findings" and finding is not None and bool(finding.remedy)
        if action == "check":
            return bool(self._books)
        return True
