"""Variants by checks or slices as a matrix of shares, and all that is known of the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.scoreboard import By, Sheet, columns
from app.tui.widgets.long_list import LongList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.variant_words import about, never_run


class MatrixHead(Static):
    """The names of the columns: laid out when it is drawn, as the lines below it are."""

    def __init__(self, rows: VariantRows) -> None:
        super().__init__(id="matrix-head")
        self._rows = rows

    def render(self) -> Content:
        """One line."""
        width = self._rows.scrollable_content_region.width
        return Content.assemble(" ", *self._rows.head(max(1, width - 2))) if self._rows.count else Content("")


class MatrixPane(Vertical):
    """The matrix with its head; left and right turn to further columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "by", "Checks/slices"),
        Binding("a", "baseline", "Baseline"),
        Binding("right", "turn(1)", "More columns", show=False),
        Binding("left", "turn(-1)", "Columns before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="matrix")
        self.by: By = "checks"
        self.first = 0
        self.baseline = ""
        self.rows = VariantRows()
        self._sheet: Sheet | None = None

    def compose(self) -> ComposeResult:
        """Names of columns, a line per variant, what is said of the one under the cursor."""
        yield MatrixHead(self.rows)
        yield self.rows
        with VerticalScroll(id="matrix-about", classes="about", can_focus=False):
            yield Static(id="matrix-note")

    def show(self, sheet: Sheet) -> None:
        """Show a suite. Its baseline is the blessed variant, until another one is chosen."""
        other = self._sheet is None or self._sheet.suite != sheet.suite
        self._sheet = sheet
        names = [row.score.name for row in sheet.rows]
        if other:
            self.first = 0
        if self.baseline not in names or (other and sheet.blessed in names):
            self.baseline = sheet.blessed if sheet.blessed in names else names[-1] if names else ""
        self._show()

    def compare(self, baseline: str, candidate: str) -> None:
        """Make one variant the baseline and go to another."""
        self.baseline = baseline
        self._show()
        self.rows.go_to(candidate)

    def on_resize(self) -> None:
        """Bars are as wide as there is room."""
        self.call_after_refresh(self._say)

    def _show(self) -> None:
        if self._sheet is None:
            return
        names = columns(self._sheet.rows, self.by)
        self.first = max(0, min(self.first, len(names) - 1))
        self.rows.show(self._sheet, self.by, self.first, self.baseline)
        self.query_one(MatrixHead).refresh()

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Say more of the variant under the cursor."""
        self._say()

    def _say(self) -> None:
        sheet, row = self._sheet, self.rows.chosen
        if sheet is None:
            return
        width = self.content_size.width - 1
        name = self.rows.chosen_name
        said = about(row, width) if row is not None else never_run(sheet, [name] if name else [])
        self.query_one("#matrix-note", Static).update(said)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        rows = self._sheet.rows if self._sheet is not None else []
        if action == "baseline":
            return len(rows) > 1 and self.rows.chosen is not None
        if action == "by":
            return any(row.score.slices for row in rows)
        return True

    def action_by(self) -> None:
        """By checks or by slices."""
        self.by, self.first = ("slices" if self.by == "checks" else "checks"), 0
        self._show()

    def action_turn(self, by: int) -> None:
        """The next or previous columns."""
        self.first += by
        self._show()

    def action_baseline(self) -> None:
        """Compare with the variant under the cursor from now on."""
        if (row := self.rows.chosen) is not None:
            self.baseline = row.score.name
            self._show()
