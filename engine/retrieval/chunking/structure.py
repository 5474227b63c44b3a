"""The default chunker: whole blocks packed up to a number of tokens.

A passage never ends with a heading if it can be helped, and begins anew at one once it is a quarter full.
Rows of data stand alone. Too long a block is split at lines, then sentences, words, characters.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.retrieval.blocks import Block
from engine.retrieval.chunking.settings import ChunkSettings, Measure, Spans
from engine.retrieval.chunking.splitting import Count, Span, split

FULL_ENOUGH = 0.25


class Piece(Span):
    """A block or a part of one."""

    kind: str


def spans(text: str, blocks: list[Block], settings: ChunkSettings, embedder: Measure) -> Spans:
    """Blocks put together, in order, without overlap."""
    most = settings.chunk_tokens
    pieces = [piece for block in blocks for piece in _pieces(text, block, most, embedder.count_tokens)]
    return [(packed[0].start, packed[-1].end) for packed in _pack(pieces, most)]


def _pieces(text: str, block: Block, most: int, count: Count) -> Iterator[Piece]:
    for span in split(text, block.start, block.end, most, count):
        yield Piece(span.start, span.end, span.size, block.kind)


def _pack(pieces: list[Piece], most: int) -> Iterator[list[Piece]]:
    packed: list[Piece] = []
    size = 0
    for piece in pieces:
        carried: list[Piece] = []
        if packed and (size + piece.size > most or _begins_anew(piece, packed, size, most)):
            carried = _trailing_headings(packed, most - piece.size)
            if done := packed[: len(packed) - len(carried)]:
                yield done
            packed = carried
            size = sum(one.size for one in packed)
        packed.append(piece)
        size += piece.size
    if packed:
        yield packed


def _begins_anew(piece: Piece, packed: list[Piece], size: int, most: int) -> bool:
    if piece.kind == "row" or packed[-1].kind == "row":
        return packed[-1].kind != "heading"
    return piece.kind == "heading" and packed[-1].kind != "heading" and size >= FULL_ENOUGH * most


def _trailing_headings(packed: list[Piece], room: int) -> list[Piece]:
    """The headings at the end of `packed`, which belong to what follows; none when it would not fit."""
    at = len(packed)
    while at and packed[at - 1].kind == "heading":
        at -= 1
    carried = packed[at:]
    return carried if sum(piece.size for piece in carried) <= room else []
