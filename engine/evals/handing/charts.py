"""Charts as SVG: shares with their intervals, and how values are spread. They load nothing, run nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

import msgspec

WIDTH, LEFT, RIGHT = 760, 200, 130
BAR, GAP, FOOT = 18, 8, 22
FILLS = ("#3b73d1", "#d9822b", "#2f9e76", "#b0519f", "#7a6ff0", "#8a8f98")
"""Of variants, for readers without CSS; the page's sheet has lighter ones for the dark."""
COLOURS = len(FILLS)
NAME = 24
BINS = 24
BETWEEN = 8
"""More room, in pixels, between bars of different names."""


class Bar(msgspec.Struct):
    """A share with its 95% interval. `colour` tells variants apart, `more` stands behind the figure."""

    name: str
    score: float
    low: float
    high: float
    colour: int = 0
    more: str = ""


def bars(rows: Sequence[Bar], says: str) -> str:
    """Horizontal bars from 0 to 100% with whiskers; those of one name belong together.

    `says` is what a screen reader says.
    """
    room = WIDTH - LEFT - RIGHT
    drawn, top, before = [], 2, None
    grouped = len({row.name for row in rows}) < len(rows)
    for row in rows:
        top += BETWEEN if grouped and before not in (None, row.name) else 0
        name, before = "" if row.name == before else _short(row.name), row.name
        middle = top + BAR / 2
        low, high = LEFT + room * row.low, LEFT + room * row.high
        drawn.append(
            f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{name}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{room * row.score:.1f}" height="{BAR}" rx="2" '
            f"{_fill(row.colour)}><title>{escape(row.name)}: {row.score:.1%} "
            f"({row.low:.1%} to {row.high:.1%})</title></rect>"
            f'<path class="whisker" fill="none" stroke="currentColor" '
            f'd="M{low:.1f} {middle - 4}v8m0 -4H{high:.1f}m0 -4v8"/>'
            f'<text x="{LEFT + room + 10}" y="{middle + 4}">{row.score:.1%}'
            f'<tspan class="faint" dx="6">{escape(row.more)}</tspan></text>'
        )
        top += BAR + GAP
    height = top + FOOT
    return _svg(height, _grid(room, height) + "".join(drawn), says)


def histogram(series: Sequence[tuple[str, Sequence[float]]], unit: str, says: str) -> str:
    """How values are spread, a row of columns for each of several series, all on one axis."""
    values = [value for _, own in series for value in own]
    if not values:
        return ""
    low, high = _range(min(values), max(values))
    room, tall = WIDTH - LEFT - RIGHT, 46
    height = len(series) * (tall + 12) + FOOT
    drawn = []
    for at, (name, own) in enumerate(series):
        counts = [0] * BINS
        for value in own:
            counts[min(BINS - 1, int((value - low) / (high - low) * BINS))] += 1
        floor_, most = at * (tall + 12) + tall + 4, max(counts)
        drawn.append(f'<text x="{LEFT - 10}" y="{floor_ - 6}" text-anchor="end">{_short(name)}</text>')
        for bin_, count in enumerate(counts):
            if count:
                tip = max(1.5, tall * count / most)
                drawn.append(
                    f'<rect x="{LEFT + room * bin_ / BINS:.1f}" y="{floor_ - tip:.1f}" '
                    f'width="{room / BINS - 1.5:.1f}" height="{tip:.1f}" {_fill(at)}>'
                    f"<title>{count}</title></rect>"
                )
        drawn.append(f'<path class="axis" stroke="#e4e7ec" d="M{LEFT} {floor_}.5h{room}"/>')
    for place, value, anchor in ((LEFT, low, "start"), (LEFT + room, high, "end")):
        drawn.append(
            f'<text class="faint" x="{place}" y="{height - 6}" text-anchor="{anchor}">'
            f"{value:,.0f} {unit}</text>"
        )
    return _svg(height, "".join(drawn), says)


def _grid(room: int, height: int) -> str:
    lines = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + room * share
        lines.append(
            f'<path class="axis" stroke="#e4e7ec" d="M{x:.1f} 0V{height - FOOT}"/>'
            f'<text class="faint" x="{x:.1f}" y="{height - 6}" text-anchor="middle">{share:.0%}</text>'
        )
    return "".join(lines)


def _fill(at: int) -> str:
    return f'class="k{at % COLOURS}" fill="{FILLS[at % COLOURS]}"'


def _range(low: float, high: float) -> tuple[float, float]:
    """Round bounds around all values."""
    step = 10 ** floor(log10(max(high - low, 1)))
    below, above = floor(low / step) * step, ceil(high / step) * step
    return below, above if above > below else below + step


def _short(name: str) -> str:
    return escape(name if len(name) <= NAME else f"{name[: NAME - 1]}…")


def _svg(height: int, inner: str, says: str) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    looks = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    label = f'role="img" aria-label="{escape(says)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {looks} {label}>{inner}</svg>'
