"""Screens with a list on the left and what it opens on the right; on a narrow one the right has it all."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from app.tui.screens.base import TemperScreen

Sheets = list[str | PurePath]
"""Style sheets of a screen: SHEET, then its own."""


class SidedScreen(TemperScreen):
    """Bodies mark their parts with the classes `sides`, `left-side`, `right-side` and `nothing-yet`.

    `inside`: whether the keys are for the right side. The class `empty` shows `nothing-yet` alone.
    """

    SHEET: ClassVar[str] = "sided.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.inside = False

    def go_inside(self, inside: bool) -> None:
        """Go to the right side, or back to the list."""
        self.inside = inside
        self.query_one(".left-side").set_class(inside, "left-behind")
        self.refresh_bindings()
