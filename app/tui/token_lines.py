"""Tokens as lines of a given width: words stay whole, line breaks and control characters can be seen.

What a token looks like is named here; colours are not known (app.tui.widgets.token_view).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.tui.flow import Flow, FlowLine
from store.records.preview import Preview, Token

SHOWN_FIRST, SHOWN_LAST = 6_000, 4_000  # tokens of a very long row; what matters is at its two ends

SPECIAL, TRAINED, CUT, ODD = 1, 2, 4, 8
"""The bits of a look. ODD alternates from token to token, so that their borders can be seen."""

_SPECIAL = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")


def is_trained(line: FlowLine) -> bool:
    """Whether something in a line carries loss."""
    return any(piece.look & TRAINED and not piece.look & CUT for piece in line.pieces)


def lay(preview: Preview, width: int) -> list[FlowLine]:
    """The row in lines of at most `width` cells. Of a very long row the middle is left out, and said so."""
    page = Flow(width)
    for index, token in _shown(preview.tokens):
        if index < 0:
            page.rule(token)
            continue
        assert isinstance(token, Token)
        if token.cut and (index == 0 or not preview.tokens[index - 1].cut):
            page.rule(f"cut here, at {index:,} tokens: {preview.cut:,} behind it are not trained on")
        page.add(token.text, look_of(token, index))
    page.flush()
    return [line for line in page.lines if line.pieces or line.rule]


def look_of(token: Token, index: int) -> int:
    """The bits of how a token looks."""
    bracket = "<" in token.text or "[" in token.text  # asked first: few tokens have one
    special = SPECIAL if bracket and _SPECIAL.fullmatch(token.text.strip()) else 0
    return special | TRAINED * token.trained | CUT * token.cut | ODD * (index % 2)


def _shown(tokens: Sequence[Token]) -> Iterator[tuple[int, Token | str]]:
    """Index and token; for what is left out (-1, what to say)."""
    left_out = len(tokens) - SHOWN_FIRST - SHOWN_LAST
    if left_out <= 0:
        yield from enumerate(tokens)
        return
    yield from enumerate(tokens[:SHOWN_FIRST])
    yield -1, f"{left_out:,} tokens are not shown"
    yield from enumerate(tokens[-SHOWN_LAST:], len(tokens) - SHOWN_LAST)
