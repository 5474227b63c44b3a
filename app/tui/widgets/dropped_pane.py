"""Rows of the source that are not in the dataset: line and reason, and how often each reason."""

from __future__ import annotations

from collections import Counter

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app.tui.texts import fit
from app.tui.widgets.figures import bars
from app.tui.widgets.long_list import LongList, Parts
from store.records.data import DatasetInfo, Dropped

REASONS = 5  # shown with a bar


class DroppedList(LongList):
    """A line per dropped row."""

    def __init__(self) -> None:
        super().__init__(id="dropped-list")
        self._dropped: list[Dropped] = []

    def show(self, dropped: list[Dropped]) -> None:
        """Show these."""
        self._dropped = dropped
        self.set_count(len(dropped))

    def line(self, index: int, width: int) -> Parts:
        """Line of the source and reason."""
        one = self._dropped[index]
        number = f"{one.line:>7,}"
        return [(number, "$faint"), ("  " + fit(one.reason, max(4, width - len(number) - 2)), "")]


class DroppedPane(Vertical):
    """Why rows were left out."""

    def __init__(self) -> None:
        super().__init__(id="dropped")
        self._counts: dict[str, float] = {}

    def compose(self) -> ComposeResult:
        """How many and why; all of them."""
        yield Static(id="dropped-head")
        yield Static(id="dropped-reasons")
        yield DroppedList()

    def show(self, info: DatasetInfo, dropped: list[Dropped]) -> None:
        """Show the dropped rows of a version."""
        head = Content.assemble(
            (f"{info.dropped_rows:,} of {info.rows_in:,} rows of the source", "bold"),
            (f" are not in {info.name}@{info.version}", "$quiet"),
        )
        if not info.dropped_rows:
            head = Content.styled("Nothing was dropped: every row of the source is in the dataset.", "$quiet")
        self.query_one("#dropped-head", Static).update(head)
        self._counts = dict(Counter(kind_of(one.reason) for one in dropped).most_common(REASONS))
        self._show_counts()
        self.query_one(DroppedList).show(dropped)

    def on_resize(self) -> None:
        """Bars fill the pane."""
        self._show_counts()

    def _show_counts(self) -> None:
        reasons = self.query_one("#dropped-reasons", Static)
        reasons.display = len(self._counts) > 1
        if self._counts:
            reasons.update(bars(self._counts, max(24, self.content_size.width)))


def kind_of(reason: str) -> str:
    """What several reasons have in common: what comes before the particulars."""
    return reason.partition(":")[0].partition("(")[0].strip() or reason
