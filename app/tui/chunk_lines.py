"""A document as lines of a given width, with the passages that hold each piece.

Colours are not known (app.tui.widgets.chunk_view).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from app.tui.flow import Flow, FlowLine
from app.tui.library import stretches
from store.records.knowledge import Chunk

SHOWN = 400_000  # characters of a very long document: laying out more takes over a second

_WORDS = re.compile(r" ?[^ \n]+|[ \n]")


class ChunkPage(msgspec.Struct):
    """A document laid out.

    `passages`: by the look of a piece, which passages hold it. `tops`: the line in which each passage begins.
    """

    lines: list[FlowLine] = []
    passages: list[tuple[int, ...]] = []
    tops: list[int] = []


def lay(chunks: Sequence[Chunk], width: int) -> ChunkPage:
    """The passages of one document, in order of start, in lines of at most `width` cells."""
    flow, page = Flow(width, breaks=""), ChunkPage()
    length = 0
    for stretch in stretches(chunks):
        if length > SHOWN:
            flow.rule(f"cut here, at {length:,} characters")
            break
        flow.flush()
        while len(page.tops) < len(chunks) and chunks[len(page.tops)].start <= stretch.start:
            page.tops.append(len(flow.lines) - 1)
        if not stretch.passages:
            flow.end_line()
            continue
        length += len(stretch.text)
        for word in _WORDS.findall(stretch.text):
            flow.add(word, len(page.passages))
        page.passages.append(stretch.passages)
    flow.flush()
    page.lines = flow.lines
    while page.lines and not (page.lines[-1].pieces or page.lines[-1].rule):
        page.lines.pop()
    last = max(0, len(page.lines) - 1)
    page.tops = [min(top, last) for top in page.tops] + [last] * (len(chunks) - len(page.tops))
    return page
