"""Knowledge bases with their documents below them, then the files that are in none and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType

from app.tui.library import Base, Document
from app.tui.texts import fit, fit_end
from app.tui.widgets.long_list import LongList, Parts


class Line(msgspec.Struct, frozen=True):
    """A line of the list: a knowledge base, one of its documents, or a file left out with its reason."""

    base: Base
    document: Document | None = None
    skipped: str = ""
    reason: str = ""

    @property
    def name(self) -> tuple[str, str, str]:
        """Stays the same when another generation is published."""
        return (self.base.name, self.document.name if self.document is not None else "", self.skipped)


class DocumentList(LongList):
    """Stays on the same document while generations change."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Open", key_display="⏎")]

    def __init__(self) -> None:
        super().__init__(id="document-list")
        self._lines: list[Line] = []

    @property
    def chosen(self) -> Line | None:
        """The line under the cursor."""
        return self._lines[self.cursor] if self.cursor < len(self._lines) else None

    def show(self, bases: Sequence[Base]) -> None:
        """Show these knowledge bases."""
        kept = self.chosen.name if self.chosen is not None else None
        self._lines = [line for base in bases for line in lines_of(base)]
        names = [line.name for line in self._lines]
        first = next((at for at, line in enumerate(self._lines) if line.document is not None), 0)
        self.set_count(len(self._lines), names.index(kept) if kept in names else first)

    def choose(self, base: str, document: str) -> bool:
        """Put the cursor on a document; False when it is not in the list."""
        for at, line in enumerate(self._lines):
            if line.name == (base, document, ""):
                self.cursor = at
                return True
        return False

    def line(self, index: int, width: int) -> Parts:
        """A head in bold; documents with how many passages they have; what was left out, dimmed."""
        line = self._lines[index]
        if line.skipped:
            return [("  ▲ ", "$warning"), (fit_end(line.skipped, width - 4), "$quiet")]
        if line.document is None:
            manifest = line.base.manifest
            amount = f" {manifest.documents:,} documents" if manifest is not None else " never built"
            return [(fit(line.base.name, width - len(amount)), "bold $accent"), (amount, "$quiet")]
        amount = f" {len(line.document.chunks):,}"
        return [("  ", ""), (fit_end(line.document.name, width - 2 - len(amount)), ""), (amount, "$quiet")]


def lines_of(base: Base) -> list[Line]:
    """The head of a knowledge base and what stands below it."""
    documents = [Line(base, document) for document in base.documents]
    skipped = base.manifest.skipped if base.manifest is not None else {}
    return [Line(base), *documents, *(Line(base, None, name, why) for name, why in sorted(skipped.items()))]
