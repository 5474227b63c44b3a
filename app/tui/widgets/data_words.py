"""What the data screen says of a version as a whole, and where there is none."""

from __future__ import annotations

from textual.content import Content

from app.tui.shelf import Book, key_of
from app.tui.texts import visible
from app.tui.widgets.book_list import kind_words, lineage
from app.tui.words import age
from store import clock
from store.records.data import DatasetInfo

NOTHING = Content.assemble(
    ("No datasets yet\n", "bold"),
    ("Import one: JSONL, JSON, CSV, Parquet, a Hugging Face folder, text\n\n", "$quiet"),
    ("temper data import FILE --as NAME\n\n", "bold $primary"),
    ("and it appears here.", "$quiet"),
)


def about(info: DatasetInfo) -> Content:
    """Name, kind and splits, age; then where it comes from."""
    ago = age(info.created, clock.now())
    origin = lineage(info) if info.parent else f"from {info.source}"
    return Content.assemble(
        (key_of(info), "bold"),
        (f"   {kind_words(info)}", "$quiet"),
        (f"   {'just now' if ago == 'now' else f'{ago} ago'}\n", "$faint"),
        (visible(origin), "$quiet"),
    )


def not_imported(book: Book) -> Content:
    """What to do with a dataset that only temper.toml knows."""
    return Content.assemble(
        ("Not imported yet\n", "bold"),
        ("temper.toml says that it comes from ", "$quiet"),
        (visible(book.source), ""),
        (". It is imported when first needed: press ", "$quiet"),
        ("c", "bold $accent"),
        (" to import and check it, or type\n\n", "$quiet"),
        # not `data import`: without the options that temper.toml has, that would declare it anew
        (f"temper data check {book.name}", "bold $primary"),
    )
