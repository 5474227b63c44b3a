"""A row as a model sees it: tokens with borders, those that carry loss in colour. Draws only what is seen."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.tui.errors import shown
from app.tui.flow import FlowLine
from app.tui.token_lines import CUT, ODD, SPECIAL, TRAINED, is_trained, lay
from store.records.preview import Preview

GUTTER = 2


class TokenView(ScrollView, can_focus=True):
    """`show` a preview; it is laid out in a thread. Without colour, bold text carries loss."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "screen.turn(1)", "Next row", key_display="→"),
        Binding("left,b", "screen.turn(-1)", "Row before", key_display="←"),
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "token--context",
        "token--trained",
        "token--special",
        "token--cut",
        "token--odd",
        "token--odd-trained",
        "token--rule",
    }

    def __init__(self) -> None:
        super().__init__(id="tokens")
        self.preview: Preview | None = None
        self.lines: list[FlowLine] = []
        self._width = 0

    def show(self, preview: Preview | None) -> None:
        """Show this row; None: nothing."""
        self.preview = preview
        self.scroll_home(animate=False)
        if preview is None:
            self._lines_laid(None, [], 0)
        else:
            self._lay(preview, self._room())

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        if self.preview is not None and self._room() != self._width:
            self._lay(self.preview, self._room())

    def _room(self) -> int:
        return max(8, self.scrollable_content_region.width - GUTTER)

    @work(thread=True, group="tokens")
    @shown
    def _lay(self, preview: Preview, width: int) -> None:
        lines = lay(preview, width)
        if self.is_attached:
            self.app.call_from_thread(self._lines_laid, preview, lines, width)

    def _lines_laid(self, preview: Preview | None, lines: list[FlowLine], width: int) -> None:
        if preview is self.preview:
            self.lines, self._width = lines, width
            self.virtual_size = Size(max(1, self.scrollable_content_region.width), len(lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the part that is to be seen."""
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        plain = self.rich_style
        if index >= len(self.lines):
            return Strip.blank(width, plain)
        line = self.lines[index]
        if line.rule:
            text = f"╌╌ {line.rule} "[:width]
            segments = [Segment(text + "╌" * (width - len(text)), self._style("token--rule"))]
        else:
            mark = Segment("┃ ", self._style("token--trained")) if is_trained(line) else Segment("  ", plain)
            segments = [mark, *(Segment(piece.text, self._look(piece.look)) for piece in line.pieces)]
        return Strip(segments).adjust_cell_length(width, plain)

    def _look(self, look: int) -> Style:
        trained = bool(look & TRAINED)
        names = ["token--cut" if look & CUT else "token--trained" if trained else "token--context"]
        if look & SPECIAL:
            names.append("token--special")
        if look & ODD and not look & CUT:
            names.append("token--odd-trained" if trained else "token--odd")
        return self._style(*names)

    def _style(self, *names: str) -> Style:
        return self.get_visual_style(*names).rich_style
