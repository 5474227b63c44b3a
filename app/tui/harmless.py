"""A last look at every line: nothing of what strangers wrote is left in it that a terminal would obey.

Widgets show texts of strangers by app.tui.texts; this is for whatever did not go through there.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from app.tui.texts import OBEYED

_GONE = dict.fromkeys(OBEYED)  # they have no width: the line stays as wide as it was laid out


class Harmless(LineFilter):
    """Takes control characters and marks of direction out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line without them."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(segment.text.translate(_GONE), segment.style)
            for segment in segments
        ]
