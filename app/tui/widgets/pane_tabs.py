"""The panes of the data screen by name and key, the current one lit, with how much is in each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from app.tui.widgets.frame import Line

_PANES = {
    "findings": ("f", "Findings"),
    "rows": ("r", "Rows"),
    "preview": ("p", "Preview"),
    "dropped": ("d", "Dropped"),
}


class PaneTabs(Line):
    """A click on a tab presses its key."""

    def __init__(self) -> None:
        super().__init__(id="pane-tabs")
        self._shown: tuple[str, Mapping[str, int | None]] = ("findings", {})

    def show(self, current: str, counts: Mapping[str, int | None]) -> None:
        """Light `current`; a count of None is not known."""
        self._shown = (current, counts)
        parts: list[tuple[Content, str]] = []
        for pane, (key, title) in _PANES.items():
            lit = pane == current
            count = counts.get(pane)
            amount = "" if count is None else f" {count:,}"
            tab = Content.assemble(
                (f"{key} ", "$accent"),
                (title, "bold underline" if lit else "$quiet"),
                (amount, "$primary" if lit else "$faint"),
            )
            parts += [(tab, key), (Content("   "), "")]
        self.lay(parts)
