"""Datasets and their versions as a list: the newest check, rows, kind, splits, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.tui import theme
from app.tui.shelf import Book
from app.tui.texts import fit
from store.records.data import DatasetInfo


class BookList(OptionList):
    """An option's id is the book's key. Stays on the highlighted one while others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("enter", "select", "Open", key_display="⏎"),
    ]

    def __init__(self) -> None:
        super().__init__(id="book-list")
        self._books: dict[str, Book] = {}

    @property
    def chosen(self) -> Book | None:
        """The highlighted one."""
        option = self.highlighted_option
        return self._books.get(option.id) if option is not None and option.id is not None else None

    def choose(self, key: str) -> bool:
        """Highlight a book; False when it is not in the list."""
        if key not in self._books:
            return False
        self.highlighted = self.get_option_index(key)
        return True

    def show(self, books: Sequence[Book]) -> None:
        """Show these books in this order."""
        self._books = {book.key: book for book in books}
        self._fill()

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._fill()

    def _fill(self) -> None:
        kept = self.chosen.key if self.chosen else None
        width = max(12, self.scrollable_content_region.width - 2)
        keys = list(self._books)
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(entry(book, width), id=key) for key, book in self._books.items()])
        if keys:
            self.highlighted = keys.index(kept) if kept in keys else 0


def entry(book: Book, width: int) -> Content:
    """Two to four lines: mark, name and rows; kind and splits; edits; dropped rows."""
    shade = theme.severity_colour(book.verdict)
    mark = (theme.severity_mark(book.verdict) + " ", shade)
    if book.info is None:
        lines = [
            Content.assemble(mark, (fit(book.name, width - 2), "bold")),
            _below(f"not imported: {book.source}", width, "$quiet"),
        ]
        return Content("\n").join(lines)
    info = book.info
    rows = f" {info.rows_kept:,} rows"
    lines = [
        Content.assemble(mark, (fit(book.key, width - 2 - len(rows)), "bold"), (rows, "$quiet")),
        _below(kind_words(info), width, "$quiet"),
    ]
    if info.parent:
        lines.append(_below(f"↳ {lineage(info)}", width, "$secondary"))
    if info.dropped_rows:
        lines.append(_below(f"{info.dropped_rows:,} dropped at import", width, "$warning"))
    return Content("\n").join(lines)


def _below(text: str, width: int, style: str) -> Content:
    return Content.assemble("  ", (fit(text, width - 2), style))


def kind_words(info: DatasetInfo) -> str:
    """`chat · train 462 · heldout 82`."""
    names = {"unpaired_preference": "rated"}
    parts = [names.get(info.kind, info.kind), *(f"{name} {rows:,}" for name, rows in info.splits.items())]
    return " · ".join(parts)


def lineage(info: DatasetInfo) -> str:
    """`from @1: drop_duplicates 12, mask_pii 3`."""
    parent = info.parent.removeprefix(info.name)
    edits = ", ".join(f"{edit.operation.replace('_', ' ')} {edit.rows:,}" for edit in info.edits)
    return f"from {parent}: {edits}" if edits else f"from {parent}"
