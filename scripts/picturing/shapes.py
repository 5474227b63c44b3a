"""Rich's SVG of a terminal as a picture that stands alone: no font is fetched.

What a font may lack or draw too wide (braille dots, bars, blocks, whiskers) is drawn as shapes.
"""

from __future__ import annotations

import html
import re

TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>([^<]*)</text>'
)
LINE_HEIGHT = 24.4  # of a cell in Rich's SVG; the baseline lies 18.5 below its top


def self_contained(svg: str) -> str:
    """`svg` without fonts from elsewhere, and with dots, bars and blocks as shapes."""
    svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)
    return TEXT.sub(_run, svg)


def _run(match: re.Match[str]) -> str:
    style, x, y, length, rest, raw = match.groups()
    text = html.unescape(raw)
    left, top, cell = float(x), float(y) - 18.5, float(length) / max(1, len(text))
    shapes = "".join(_shape(letter, left + i * cell, top, cell) for i, letter in enumerate(text))
    kept = "".join(" " if _shape(letter, 0, 0, 1) else letter for letter in text)
    drawn = f'<g class="{style}">{shapes}</g>' if shapes else ""
    if not kept.strip():
        return drawn
    words = html.escape(kept).replace(" ", "&#160;")
    place = f'x="{x}" y="{y}" textLength="{length}"'
    return f'{drawn}<text xml:space="preserve" class="{style}" {place}{rest}>{words}</text>'


LINES = {"━": (0.0, 1.0, 2.6), "─": (0.0, 1.0, 1.2), "├": (0.5, 1.0, 1.2), "┤": (0.0, 0.5, 1.2)}
"""Lines across: where they begin and end in a cell, and how thick they are."""
UPRIGHT = "│├┤"
EIGHTHS = "▁▂▃▄▅▆▇█"


def _shape(letter: str, left: float, top: float, cell: float) -> str:
    """One glyph as shapes; empty where a font does well enough."""
    drawn = ""
    if letter in LINES:
        begin, end, thick = LINES[letter]
        middle = top + (LINE_HEIGHT - thick) / 2
        drawn += _rectangle(left + begin * cell, middle, (end - begin) * cell + 0.2, thick)
    if letter in UPRIGHT:
        drawn += _rectangle(left + cell / 2 - 0.6, top + 3, 1.2, LINE_HEIGHT - 6)
    if letter == "▌":
        drawn += _rectangle(left, top, cell / 2, LINE_HEIGHT + 0.4)
    if letter in EIGHTHS:
        high = LINE_HEIGHT * (EIGHTHS.index(letter) + 1) / 8
        drawn += _rectangle(left, top + LINE_HEIGHT - high, cell + 0.2, high + 0.4)
    if letter == "●":
        drawn += f'<circle cx="{left + cell / 2:.1f}" cy="{top + LINE_HEIGHT / 2:.1f}" r="4.2"/>'
    return drawn + _dots(letter, left, top, cell)


def _dots(letter: str, left: float, top: float, cell: float) -> str:
    """A letter of braille, as in charts."""
    if not 0x2800 < ord(letter) <= 0x28FF:
        return ""
    dots = ord(letter) - 0x2800
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]  # the order of Unicode's bits
    return "".join(
        _rectangle(left + cell * (0.12 + 0.5 * column), top + LINE_HEIGHT * (0.07 + 0.25 * row), 3.2, 3.2)
        for bit, (column, row) in enumerate(places)
        if dots >> bit & 1
    )


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
