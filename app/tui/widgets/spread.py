"""Shares and differences as bars that show how sure they are, counts as sparklines. Knows no widget.

A whisker's ends are drawn by shape, so that they are seen without colour too.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.tui.widgets.long_list import Parts

Span = tuple[float, float]
"""Low and high end of a 95% interval."""

STEPS = "▁▂▃▄▅▆▇█"


def share(value: float, span: Span | None, width: int, shade: str) -> Parts:
    """`━━━━━├─●┤····` in `width` cells: full up to the low end, an interval, a dot where the share is."""
    place = _cell(value, width)
    if span is None:
        return [("━" * place, shade), ("●", shade), ("·" * (width - place - 1), "$trace")]
    low, high = min(place, _cell(span[0], width)), max(place, _cell(span[1], width))
    return [("━" * low, shade), (_whisker(low, place, high), shade), ("·" * (width - high - 1), "$trace")]


def difference(value: float, span: Span, width: int, shade: str, most: float) -> Parts:
    """`········│··├─●──┤` in `width` cells from -`most` to +`most`: 0 in the middle, the interval about."""

    def cell(one: float) -> int:
        return _cell((max(-most, min(most, one)) / most + 1) / 2, width)

    low, place, high = cell(span[0]), cell(value), cell(span[1])
    cells = ["·"] * width
    cells[width // 2] = "│"
    drawn = "".join(cells)
    return [
        (drawn[:low], "$trace"),
        (_whisker(low, place, high), shade),
        (drawn[high + 1 :], "$trace"),
    ]


def between(span: Span | None) -> str:
    """`85-97%`, or nothing."""
    return f"{100 * span[0]:.0f}-{100 * span[1]:.0f}%" if span is not None else ""


def sparks(values: Sequence[float], top: float = 0.0) -> str:
    """Values of at least 0 as bars, oldest first, the highest (or `top`) full; a gap for 0.

    Empty where there is no history.
    """
    top = max(top, *values) if values else 0.0
    if len(values) < 2 or not top:
        return ""
    return "".join(STEPS[min(len(STEPS) - 1, int(one / top * len(STEPS)))] if one else " " for one in values)


def _cell(value: float, width: int) -> int:
    return max(0, min(width - 1, int(value * (width - 1) + 0.5)))


def _whisker(low: int, place: int, high: int) -> str:
    cells = ["─"] * (high - low + 1)
    cells[0], cells[-1] = "├", "┤"
    cells[place - low] = "●"
    return "".join(cells)
