"""All rows of a version as a table: narrowed by split, by finding and by a text that must occur."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from app.tui.errors import shown
from app.tui.row_feed import RowFeed
from app.tui.texts import fit
from app.tui.widgets.finding_words import matching
from app.tui.widgets.row_table import RowTable
from store.records.findings import Finding


class RowsPane(Vertical):
    """Three filters hold together. Filtering is done in a thread, the newest wish wins."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "split", "Split"),
        Binding("w", "finding", "Finding"),
    ]

    class Opened(Message):
        """The user wants to see a row as a model sees it."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    class Narrowed(Message):
        """Other rows are in the table now."""

    def __init__(self) -> None:
        super().__init__(id="rows")
        self.feed: RowFeed | None = None
        self.split = ""
        self.finding: Finding | None = None
        self.text = ""
        self.findings: list[Finding] = []
        self._wish = 0
        self._place: int | None = None

    def compose(self) -> ComposeResult:
        """The filters, the field for the text, the table."""
        yield Static(id="row-filters")
        yield Input(id="row-search", placeholder="text in a row", compact=True)
        yield RowTable("row-table")
        yield Static(id="no-rows")

    def on_mount(self) -> None:
        """The field hides until it is asked for."""
        self.query_one("#row-search").display = False
        self.query_one("#no-rows").display = False

    @property
    def table(self) -> RowTable:
        """The rows."""
        return self.query_one("#row-table", RowTable)

    @property
    def searching(self) -> bool:
        """Whether the field is open, or what was typed there holds."""
        return bool(self.text or self.query_one("#row-search").display)

    @property
    def filtered(self) -> bool:
        """Whether some rows are held back."""
        return bool(self.split or self.finding or self.text)

    def show(self, feed: RowFeed | None) -> None:
        """Rows of another version, all of them; None while they are read."""
        if feed is self.feed and feed is not None:
            return
        self.feed = feed
        self.split, self.finding, self.text = "", None, ""
        search = self.query_one("#row-search", Input)
        with search.prevent(Input.Changed):
            search.value = ""
        search.display = False
        self.narrow()

    def narrow_to(self, finding: Finding | None, place: int | None = None) -> None:
        """Only the rows of a finding, the cursor on one of them; None: of all."""
        self.finding, self._place = finding, place
        if finding is not None:
            self.split, self.text = "", ""
            with self.prevent(Input.Changed):
                self.query_one("#row-search", Input).value = ""
            self.query_one("#row-search").display = False
        self.narrow()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if action == "split":
            return self.feed is not None and len(set(self.feed.keys.splits)) > 1
        return any(self._by_id) if action == "finding" else True

    @property
    def _by_id(self) -> dict[str, Finding]:
        return {one.id: one for one in self.findings if one.rows or one.groups}

    def action_finding(self) -> None:
        """The rows of one finding, or of any."""
        from app.tui.dialogs.choose import ChooseDialog

        by_id = self._by_id

        def chosen(key: str | None) -> None:
            if key is not None:
                self.narrow_to(by_id.get(key))

        choices = [("any", "all rows"), *((key, one.title) for key, one in by_id.items())]
        current = self.finding.id if self.finding is not None else "any"
        self.app.push_screen(ChooseDialog("Rows of which finding?", choices, current), chosen)

    def action_split(self) -> None:
        """The next of all splits and none."""
        if self.feed is not None:
            names = ["", *dict.fromkeys(self.feed.keys.splits)]
            self.split = names[(names.index(self.split) + 1) % len(names)]
            self.narrow()

    def open_search(self) -> None:
        """Type to narrow."""
        self.query_one("#row-search").display = True
        self.query_one("#row-search").focus()

    def loosen(self) -> bool:
        """Take one filter off, the last one first; False when there is none."""
        search = self.query_one("#row-search", Input)
        if self.searching:
            self.text = ""
            with search.prevent(Input.Changed):
                search.value = ""
            search.display = False
        elif self.split:
            self.split = ""
        elif self.finding is not None:
            self.finding = None
        else:
            return False
        self.narrow()
        self.table.focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter works while it is typed."""
        event.stop()
        self.text = event.value.strip()
        self.narrow()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter leaves the filter on and goes to the rows."""
        event.stop()
        self.table.focus()

    def narrow(self) -> None:
        """Show what the filters let through."""
        self._wish += 1
        if self.feed is None:
            self._narrowed(None, (), self._wish)
        else:
            self._narrow(self.feed, self._wish)

    @work(thread=True, group="narrow", exclusive=True)
    @shown
    def _narrow(self, feed: RowFeed, wish: int) -> None:
        worker = get_current_worker()
        places = kept(feed, self.split, self.finding, self.text, lambda: worker.is_cancelled)
        if not worker.is_cancelled and self.is_attached:
            self.app.call_from_thread(self._narrowed, feed, places, wish)

    def _narrowed(self, feed: RowFeed | None, places: Sequence[int], wish: int) -> None:
        if wish != self._wish:
            return
        notes = self.finding.notes if self.finding is not None else {}
        self.table.show(feed, places, notes)
        if self._place is not None and feed is not None:
            self.table.go_to(self._place)
            self._place = None
        self._show_filters(len(places))
        none = self.query_one("#no-rows", Static)
        none.display = not places
        none.update(Content.styled("Reading the rows …" if feed is None else "No row fits.", "$quiet"))
        self.table.display = bool(places)
        self.post_message(self.Narrowed())

    def _show_filters(self, count: int) -> None:
        total = len(self.feed) if self.feed is not None else 0
        shown_rows = f"{count:,} of {total:,} rows" if self.filtered else f"{total:,} rows"
        parts = [Content.styled(shown_rows, "bold")]
        parts.append(_filter("split", self.split or "all", "s", bool(self.split)))
        parts.append(_filter("finding", self.finding.id if self.finding else "any", "w", bool(self.finding)))
        if self.text:
            parts.append(_filter("text", repr(fit(self.text, min(24, len(self.text)))), "/", True))
        self.query_one("#row-filters", Static).update(Content("   ").join(parts))

    def on_long_list_chosen(self, event: RowTable.Chosen) -> None:
        """Enter on a row."""
        event.stop()
        if (place := self.table.place) is not None:
            self.post_message(self.Opened(place))


def _filter(name: str, value: str, key: str, on: bool) -> Content:
    return Content.assemble(
        (f"{name} ", "$quiet"), (value, "$primary" if on else "$quiet"), (f" {key}", "$accent")
    )


def kept(
    feed: RowFeed, split: str, finding: Finding | None, text: str, stopped: Callable[[], bool]
) -> Sequence[int]:
    """The places that all filters let through, in the order of the source."""
    places: Sequence[int] = range(len(feed)) if finding is None else matching(finding, feed)
    if split:
        places = [place for place in places if feed.keys.splits[place] == split]
    if text:
        found = set(feed.search(text, stopped))
        places = [place for place in places if place in found]
    return places
