"""Documents as passages: whole blocks packed up to a number of tokens, each an exact span of the text.

A passage never ends with a heading if it can be helped, and begins anew at one once it is a quarter full. Too
long a block is split at lines, then sentences, words, characters. Tokens are counted by whoever embeds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from engine.retrieval.blocks import Block, markdown_blocks, plain_blocks
from engine.retrieval.readers import Document
from store.hashing import sha256_of_text
from store.records.knowledge import Chunk

FORMAT = 1
"""Counts up when the same documents would become other chunks: then a refresh makes them anew."""
FULL_ENOUGH = 0.25
LONGEST_TOKEN = 12
"""Characters that count as one token at least: some tokenizers count a word of any length as one."""
MOST_HEADINGS = 3

_SEPARATORS = (re.compile(r"\n+"), re.compile(r"(?<=[.!?])\s+"), re.compile(r"\s+"))

Count = Callable[[str], int]


class Piece(msgspec.Struct):
    """Part of a chunk to be: a block or a part of one, and its size in tokens."""

    start: int
    end: int
    size: int
    heading: Block | None = None


def chunk_document(document: Document, most_tokens: int, count_tokens: Count) -> list[Chunk]:
    """The passages of `document`, in order, each of at most `most_tokens` as `count_tokens` counts them.

    Together they hold all its text but blank space and front matter.
    """
    text = document.text
    parse = markdown_blocks if document.kind == "markdown" else plain_blocks
    blocks = parse(text, document.body)
    title = document.title or _first_title(blocks)
    pieces = [piece for block in blocks for piece in _pieces(text, block, most_tokens, count_tokens)]
    chunks = []
    above: list[Block] = []
    for packed in _pack(pieces, most_tokens):
        chunks.append(_chunk(document, packed, title, above))
        for piece in packed:
            _descend(above, piece.heading)
    return chunks


def _first_title(blocks: list[Block]) -> str:
    """The heading that the document opens with, or its first of the highest level."""
    opening = [block for block in blocks[:1] if block.kind == "heading"]
    return next((block.title for block in [*opening, *blocks] if block.level == 1 or block in opening), "")


def searched_text(chunk: Chunk) -> str:
    """What is embedded and indexed: title and headings, unless the passage says them, and the passage."""
    context = [line for line in (chunk.title, chunk.headings) if line and line not in chunk.text]
    return "\n".join([*dict.fromkeys(context), chunk.text])


def _chunk(document: Document, packed: list[Piece], title: str, above: list[Block]) -> Chunk:
    start, end = packed[0].start, packed[-1].end
    path = list(above)
    _descend(path, packed[0].heading)
    headings = [block.title for block in path if block is not packed[0].heading]
    shown = " > ".join(headings[-MOST_HEADINGS:])
    chunk = Chunk(
        f"{document.name}:{start}", document.name, start, end, document.text[start:end], title, shown
    )
    chunk.sha256 = sha256_of_text(searched_text(chunk))
    return chunk


def _descend(path: list[Block], heading: Block | None) -> None:
    """Make `path` the headings that hold after `heading`."""
    if heading is not None:
        while path and path[-1].level >= heading.level:
            path.pop()
        path.append(heading)


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
    return piece.heading is not None and packed[-1].heading is None and size >= FULL_ENOUGH * most


def _trailing_headings(packed: list[Piece], room: int) -> list[Piece]:
    """The headings at the end of `packed`, which belong to what follows; none when it would not fit."""
    at = len(packed)
    while at and packed[at - 1].heading is not None:
        at -= 1
    carried = packed[at:]
    return carried if sum(piece.size for piece in carried) <= room else []


def _pieces(text: str, block: Block, most: int, count: Count) -> Iterator[Piece]:
    heading = block if block.kind == "heading" else None
    for start, end, size in _split(text, block.start, block.end, most, count, 0):
        yield Piece(start, end, size, heading)


def _split(
    text: str, start: int, end: int, most: int, count: Count, level: int
) -> Iterator[tuple[int, int, int]]:
    """Spans of at most `most` tokens with their sizes, cut at the coarsest separators that will do."""
    size = _size(text[start:end], count)
    if size <= most or end - start <= 1:
        yield start, end, size
    elif level == len(_SEPARATORS):
        middle = (start + end) // 2
        yield from _split(text, start, middle, most, count, level)
        yield from _split(text, middle, end, most, count, level)
    else:
        yield from _joined(_parts(text, start, end, most, count, level), most)


def _parts(
    text: str, start: int, end: int, most: int, count: Count, level: int
) -> Iterator[tuple[int, int, int]]:
    at = start
    for separator in _SEPARATORS[level].finditer(text, start, end):
        if separator.start() > at:
            yield from _split(text, at, separator.start(), most, count, level + 1)
        at = separator.end()
    if at < end:
        yield from _split(text, at, end, most, count, level + 1)


def _joined(spans: Iterator[tuple[int, int, int]], most: int) -> Iterator[tuple[int, int, int]]:
    """Neighbours put together again as long as they fit."""
    begin, stop, total = -1, -1, 0
    for start, end, size in spans:
        if begin >= 0 and total + size <= most:
            stop, total = end, total + size
            continue
        if begin >= 0:
            yield begin, stop, total
        begin, stop, total = start, end, size
    if begin >= 0:
        yield begin, stop, total


def _size(text: str, count: Count) -> int:
    return max(count(text), -(-len(text) // LONGEST_TOKEN))
