"""The panes of a screen by name and key, the current one lit, with how much is in each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from app.tui.widgets.frame import Line

Panes = Mapping[str, tuple[str, str]]
"""By a pane's id: its key and its title."""

GAP = "   "


class PaneTabs(Line):
    """A click on a tab presses its key."""

    def __init__(self, panes: Panes) -> None:
        super().__init__(id="pane-tabs")
        self._panes = panes
        self._shown: tuple[str, Mapping[str, int | None]] = (next(iter(panes)), {})

    def show(self, current: str, counts: Mapping[str, int | None]) -> None:
        """Light `current`; a count of None is not known."""
        self._shown = (current, counts)
        self._lay_tabs()

    def on_resize(self) -> None:
        """Counts stand where there is room for them, and so do titles."""
        self._lay_tabs()

    def _lay_tabs(self) -> None:
        current, counts = self._shown
        tabs = [self._tab(pane, pane == current, counts.get(pane)) for pane in self._panes]
        gap = GAP
        if sum(tab.cell_length + len(gap) for tab in tabs) - len(gap) > self.content_size.width:
            tabs, gap = [self._tab(pane, pane == current, None) for pane in self._panes], GAP[1:]
        if sum(tab.cell_length + len(gap) for tab in tabs) - len(gap) > self.content_size.width:
            tabs = [
                self._tab(pane, True, None) if pane == current else Content.styled(key, "$accent")
                for pane, (key, _) in self._panes.items()
            ]
        parts: list[tuple[Content, str]] = []
        for (key, _), tab in zip(self._panes.values(), tabs, strict=True):
            parts += [(tab, key), (Content(gap), "")]
        self.lay(parts)

    def _tab(self, pane: str, lit: bool, count: int | None) -> Content:
        key, title = self._panes[pane]
        amount = "" if count is None else f" {count:,}"
        return Content.assemble(
            (f"{key} ", "$accent"),
            (title, "bold underline" if lit else "$quiet"),
            (amount, "$primary" if lit else "$faint"),
        )
