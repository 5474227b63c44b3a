"""Rows of a dataset as a table of any length; what is to be seen is read in a thread.

Entries are places of rows, or heads: texts that name the rows below them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from app.tui.errors import shown
from app.tui.row_feed import Cells, RowFeed
from app.tui.texts import fit
from app.tui.widgets.long_list import LongList, Parts

Entry = int | str
HELD = 4000  # rows whose cells are kept
READ_AT_ONCE = 128


class RowTable(LongList):
    """`show` what and in which order; enter opens a row."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Preview", key_display="⏎")]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.entries: Sequence[Entry] = ()
        self._feed: RowFeed | None = None
        self._notes: Mapping[str, str] = {}
        self._cells: OrderedDict[int, Cells] = OrderedDict()
        self._wanted: dict[int, None] = {}
        self._reading = False

    def show(
        self, feed: RowFeed | None, entries: Sequence[Entry], notes: Mapping[str, str] | None = None
    ) -> None:
        """Show these entries; `notes` say something about single rows, by id."""
        if feed is not self._feed:
            self._cells.clear()
        self._feed, self.entries, self._notes = feed, entries, notes or {}
        self._wanted = {}
        self.set_count(len(entries))

    @property
    def place(self) -> int | None:
        """The row under the cursor."""
        entry = self.entries[self.cursor] if self.cursor < len(self.entries) else None
        return entry if isinstance(entry, int) else None

    def go_to(self, place: int) -> None:
        """Put the cursor on a row, where it is in the table."""
        if self.place != place and place in self.entries:
            self.cursor = self.entries.index(place)

    def is_head(self, index: int) -> bool:
        """Heads name the rows below them."""
        return isinstance(self.entries[index], str)

    def line(self, index: int, width: int) -> Parts:
        """Line number, split, question and answer; or a head."""
        entry = self.entries[index]
        if isinstance(entry, str):
            return [(fit(entry, width), "$primary")]
        if self._feed is None:
            return []
        if (cells := self._cells.get(entry)) is None:
            self._want(entry)
        return self._row(entry, cells, width)

    def _row(self, place: int, cells: Cells | None, width: int) -> Parts:
        assert self._feed is not None
        keys = self._feed.keys
        number = f"{keys.lines[place]:>{len(str(max(9999, len(keys.lines))))}}"
        split = fit(keys.splits[place], 8) if width >= 60 else ""
        left = f"{number}  {split} "
        note = self._notes.get(keys.rows[place], "")
        room = max(4, width - len(left))
        second = room * 2 // 5
        asked = fit(cells.asked if cells else "…", room - second - 1)
        right = note or (cells.answer if cells else "")
        return [
            (number, "$faint"),
            (f"  {split} ", "$quiet"),
            (asked + " ", ""),
            (fit(right, second), "$warning" if note else "$secondary"),
        ]

    def _want(self, place: int) -> None:
        self._wanted[place] = None
        if not self._reading:
            self._reading = True
            self.call_later(self._read_wanted)

    def _read_wanted(self) -> None:
        """Read what was wanted last: what has been scrolled past is no longer to be seen."""
        places, self._wanted = list(self._wanted)[-READ_AT_ONCE:], {}
        self._reading = bool(places) and self._feed is not None
        if self._reading and self._feed is not None:
            self._read(self._feed, places)

    @work(thread=True, group="rows")
    @shown
    def _read(self, feed: RowFeed, places: list[int]) -> None:
        found: dict[int, Cells] = {}
        try:
            found = feed.cells(places)
        finally:
            if self.is_attached:
                self.app.call_from_thread(self._got, feed, found)

    def _got(self, feed: RowFeed, found: dict[int, Cells]) -> None:
        if feed is self._feed:
            self._cells.update(found)
            while len(self._cells) > HELD:
                self._cells.popitem(last=False)
            if found:
                self.refresh()
        self._read_wanted()
