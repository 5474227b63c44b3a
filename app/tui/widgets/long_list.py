"""A list of any length with a cursor: only the lines that are to be seen are made.

Sub-classes say what a line looks like; what a line means is not known here.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

Parts = list[tuple[str, str]]
"""Texts and their styles, "" for a plain one."""


class LongList(ScrollView, can_focus=True):
    """Give `count` by `set_count` and lines by `line`. Heads can be stepped over: see `is_head`."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"long-list--cursor", "long-list--line"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "jump(0)", "First", show=False),
        Binding("end", "jump(-1)", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    count: reactive[int] = reactive(0, repaint=False)

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._styles: dict[tuple[Style, str], RichStyle] = {}
        self._theme = ""

    class Moved(Message):
        """The cursor is on another line."""

        def __init__(self, long_list: LongList) -> None:
            super().__init__()
            self.long_list = long_list

        @property
        def control(self) -> LongList:
            """Where it happened."""
            return self.long_list

    class Chosen(Moved):
        """Enter or a click on the line under the cursor."""

    def line(self, index: int, width: int) -> Parts:
        """What stands in line `index`, at most `width` cells wide."""
        raise NotImplementedError

    def is_head(self, index: int) -> bool:
        """Whether a line only names those below it: the cursor does not stay on it."""
        return False

    def set_count(self, count: int, cursor: int = 0) -> None:
        """There are `count` lines now, and they may be others than before."""
        self.count = count
        self._lay()
        self.cursor = self._held(cursor, 1)
        self.refresh()
        self.call_after_refresh(self._show_cursor)
        self.post_message(self.Moved(self))

    def on_resize(self) -> None:
        """Lines are as wide as the list."""
        self._lay()

    def _lay(self) -> None:
        self.virtual_size = Size(max(1, self.scrollable_content_region.width), self.count)

    def _held(self, index: int, direction: int) -> int:
        """The nearest line in `direction` that the cursor may stay on."""
        index = max(0, min(self.count - 1, index))
        start = index
        while 0 <= index < self.count and self.is_head(index):
            index += direction
        return index if 0 <= index < self.count else max(0, min(self.count - 1, start + 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Two lines look different now."""
        if old == new or not self.is_attached:
            return
        for index in (old, new):
            self.refresh_line(index)
        self._show_cursor()
        self.post_message(self.Moved(self))

    def _show_cursor(self) -> None:
        top = self.cursor - 1 if self.cursor and self.is_head(self.cursor - 1) else self.cursor
        region = Region(0, top, 1, self.cursor - top + 1)
        self.scroll_to_region(region, animate=False, force=True)

    def action_move(self, by: int) -> None:
        """One line up or down."""
        if self.count:
            self.cursor = self._held(self.cursor + by, by)

    def action_page(self, by: int) -> None:
        """As many lines as are to be seen."""
        if self.count:
            self.cursor = self._held(self.cursor + by * max(1, self.size.height - 1), by)

    def action_jump(self, to: int) -> None:
        """The first (0) or the last (-1) line."""
        if self.count:
            self.cursor = self._held(0, 1) if to == 0 else self._held(self.count - 1, -1)

    def action_choose(self) -> None:
        """Tell the screen."""
        if self.count:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """A click goes to a line; on the line with the cursor it chooses."""
        offset = event.get_content_offset(self)
        if offset is None or (index := offset.y + self.scroll_offset.y) >= self.count or self.is_head(index):
            return
        if index == self.cursor:
            self.action_choose()
        self.cursor = index

    def on_focus(self) -> None:
        """The cursor is bright now."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is dim now."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the part that is to be seen."""
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        under_cursor = index == self.cursor and index < self.count
        base = self.get_visual_style("long-list--cursor" if under_cursor else "long-list--line")
        if index >= self.count:
            return Strip.blank(width, base.rich_style)
        parts = [(" ", ""), *self.line(index, max(1, width - 2))]
        segments = [Segment(text, self._style(base, style)) for text, style in parts]
        return Strip(segments).adjust_cell_length(width, base.rich_style)

    def _style(self, base: Style, style: str) -> RichStyle:
        """`style` on top of `base`. Parsing and blending take longer than drawing, so they are done once."""
        if self.app.theme != self._theme:
            self._theme = self.app.theme
            self._styles.clear()
        if (base, style) not in self._styles:
            whole = base + Style.parse(style) if style else base
            self._styles[base, style] = whole.rich_style
        return self._styles[base, style]
