"""Datasets and their versions as a list: the newest check, rows, kind, splits, where it comes from."""

from __future__ import annotations

from textual.content import Content

from app.tui import theme
from app.tui.shelf import Book
from app.tui.texts import fit
from app.tui.widgets.entry_list import EntryList
from store.records.data import DatasetInfo


class BookList(EntryList[Book]):
    """Versions, newest first, then what was never imported."""

    def __init__(self) -> None:
        super().__init__("book-list")

    def key(self, item: Book) -> str:
        """`chats@2`."""
        return item.key

    def entry(self, item: Book, width: int) -> Content:
        """Mark, name, rows, splits, edits."""
        return entry(item, width)


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
