"""Screens with a list on the left and what it opens on the right; on a narrow one the right has it all."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from app.tui.screens.base import TemperScreen

Sheets = list[str | PurePath]
"""Style sheets of a screen: SHEET, then its own."""


class SidedScreen(TemperScreen):
    """Bodies mark their parts with the classes `sides`, `left-side`, `right-side` and `nothing-yet`.

    What says more of the line under the cursor has the class `about`. `inside`: whether the keys are for the
    right side. The class `empty` shows `nothing-yet` alone.
    """

    SHEET: ClassVar[str] = "sided.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J", "scroll_about(3)", "Scroll what is below the list", show=False),
        Binding("K", "scroll_about(-3)", "Scroll it back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.inside = False

    def action_scroll_about(self, by: int) -> None:
        """What is said of the line under the cursor goes on below: scroll it, the cursor stays."""
        for about in self.query(".about").results(VerticalScroll):
            about.scroll_relative(y=by, animate=False)

    def go_inside(self, inside: bool) -> None:
        """Go to the right side, or back to the list."""
        self.inside = inside
        self.query_one(".left-side").set_class(inside, "left-behind")
        self.refresh_bindings()
