"""A short list of entries of several lines each, which stays on the highlighted one while others come and go.

Sub-classes say what an entry looks like and what tells it apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Item = TypeVar("Item")


class EntryList(OptionList, Generic[Item]):
    """An option's id is the entry's key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("enter", "select", "Open", key_display="⏎"),
    ]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._items: dict[str, Item] = {}
        self._laid = 0

    def key(self, item: Item) -> str:
        """What tells an entry from the others, also after it has changed."""
        raise NotImplementedError

    def entry(self, item: Item, width: int) -> Content:
        """Its lines, at most `width` cells wide."""
        raise NotImplementedError

    @property
    def chosen(self) -> Item | None:
        """The highlighted one."""
        option = self.highlighted_option
        return self._items.get(option.id) if option is not None and option.id is not None else None

    def choose(self, key: str) -> bool:
        """Highlight an entry; False when it is not in the list."""
        if key not in self._items:
            return False
        self.highlighted = self.get_option_index(key)
        return True

    def show(self, items: Sequence[Item], wanted: str = "") -> None:
        """Show these in this order, the cursor on the one that is wanted."""
        self._items = {self.key(item): item for item in items}
        self._fill(wanted)

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        if self._width() != self._laid:
            self._fill()

    def _width(self) -> int:
        return max(12, self.scrollable_content_region.width - 2)

    def _fill(self, wanted: str = "") -> None:
        option = self.highlighted_option
        kept = wanted or (option.id if option is not None else "")
        self._laid = width = self._width()
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(self.entry(item, width), id=key) for key, item in self._items.items()])
        keys = list(self._items)
        if keys:
            self.highlighted = keys.index(kept) if kept in keys else 0
        self.call_after_refresh(self.on_resize)  # a scroll bar may have come or gone
