"""A document with its passages in place: each in a colour of its own, its number where it begins.

Draws only what is seen. Without colour, the numbers at the left edge show where passages begin.
"""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.tui.chunk_lines import ChunkPage, lay
from app.tui.errors import shown
from app.tui.library import Document

GUTTER = 6


class ChunkView(ScrollView, can_focus=True):
    """`show` a document, at a passage if one is wanted; it is laid out in a thread."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "turn(1)", "Next passage", key_display="→"),
        Binding("left,b", "turn(-1)", "Passage before", key_display="←"),
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chunk--even",
        "chunk--odd",
        "chunk--shared",
        "chunk--current",
        "chunk--number",
        "chunk--current-number",
        "chunk--rule",
    }

    class Turned(Message):
        """Another passage is the current one."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self) -> None:
        super().__init__(id="chunks")
        self.document: Document | None = None
        self.page = ChunkPage()
        self.current = 0
        self._begins: dict[int, int] = {}
        self._width = 0

    def show(self, document: Document | None, passage: int = 0) -> None:
        """Show this document with `passage` (by number) in sight; None: nothing."""
        same = document is not None and document is self.document
        self.document, self.current = document, passage
        if document is None:
            self._laid(None, ChunkPage(), 0)
        elif same and self._width == self._room():
            self._go()
        else:
            self._lay(document, self._room())

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        if self.document is not None and self._room() != self._width:
            self._lay(self.document, self._room())

    def _room(self) -> int:
        return max(8, self.scrollable_content_region.width - GUTTER)

    @work(thread=True, group="chunks")
    @shown
    def _lay(self, document: Document, width: int) -> None:
        page = lay(document.chunks, width)
        if self.is_attached:
            self.app.call_from_thread(self._laid, document, page, width)

    def _laid(self, document: Document | None, page: ChunkPage, width: int) -> None:
        if document is not self.document:
            return
        self.page, self._width = page, width
        self._begins = {top: at for at, top in reversed(list(enumerate(page.tops)))}
        self.virtual_size = Size(max(1, self.scrollable_content_region.width), len(page.lines))
        self._go()

    def _go(self) -> None:
        self.refresh()
        if self.current < len(self.page.tops):
            self.scroll_to(y=max(0, self.page.tops[self.current] - 1), animate=False, force=True)

    def action_turn(self, by: int) -> None:
        """The next passage or the one before."""
        at = self.current + by
        if self.document is not None and 0 <= at < len(self.page.tops):
            self.current = at
            self._go()
            self.post_message(self.Turned(at))

    def render_line(self, y: int) -> Strip:
        """One line of the part that is to be seen."""
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        plain = self.rich_style
        if index >= len(self.page.lines):
            return Strip.blank(width, plain)
        line = self.page.lines[index]
        if line.rule:
            text = f"╌╌ {line.rule} "[:width]
            segments = [Segment(text + "╌" * (width - len(text)), self._style("chunk--rule"))]
        else:
            alike = groupby(line.pieces, key=lambda piece: piece.look)
            segments = [self._mark(index)]
            segments += [
                Segment("".join(one.text for one in pieces), self._look(look)) for look, pieces in alike
            ]
        return Strip(segments).adjust_cell_length(width, plain)

    def _mark(self, index: int) -> Segment:
        at = self._begins.get(index)
        if at is None:
            return Segment(" " * GUTTER, self.rich_style)
        name = "chunk--current-number" if at == self.current else "chunk--number"
        return Segment(f"{at + 1:>{GUTTER - 2},} ▏"[-GUTTER:], self._style(name))

    def _look(self, look: int) -> Style:
        passages = self.page.passages[look]
        names = ["chunk--odd" if passages[0] % 2 else "chunk--even"]
        if self.current in passages:
            names.append("chunk--current")
        if len(passages) > 1:
            names.append("chunk--shared")
        return self._style(*names)

    def _style(self, *names: str) -> Style:
        return self.get_visual_style(*names).rich_style
