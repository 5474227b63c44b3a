"""Documents as passages: exact spans of their text, of at most so many of the embedder's tokens.

structure.py  whole blocks under their headings (the default)    recursive.py  at the coarsest separators
sentences.py  overlapping windows of sentences                   semantic.py   where the meaning changes
splitting.py  what all of them cut with                          settings.py   how, and who measures

A chunker gets a text, its blocks, the settings and who measures texts, and gives spans; titles, headings
and hashes are the same for all. Knows neither files nor indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.retrieval.blocks import Block
from engine.retrieval.chunking import recursive, semantic, sentences, structure
from engine.retrieval.chunking.settings import ChunkSettings, Measure, Spans
from engine.retrieval.document import Document, blocks_of
from store.hashing import sha256_of_text
from store.records.knowledge import Chunk
from store.records.workspace import Chunker

FORMAT = 3
"""Counts up when the same documents would become other chunks: then a refresh makes them anew."""
MOST_HEADINGS = 3
OPENING = 5  # blocks in which a title is looked for
TITLE_WITHIN = 5
"""Blocks, at the beginning: a badge, a picture or a note may stand above a title."""


SpanMaker = Callable[[str, list[Block], ChunkSettings, Measure], Spans]

CHUNKERS: dict[Chunker, SpanMaker] = {
    "structure": structure.spans,
    "recursive": recursive.spans,
    "sentences": sentences.spans,
    "semantic": semantic.spans,
}


def chunks(document: Document, settings: ChunkSettings, embedder: Measure) -> list[Chunk]:
    """The passages of `document`, in order, each of at most `chunk_tokens` tokens.

    Together they hold all its text but blank space and front matter. `document.text[start:end]` is a
    passage's text.
    """
    blocks = blocks_of(document)
    title = document.title or _first_title(blocks)
    headings = [block for block in blocks if block.kind == "heading"]
    made = CHUNKERS[settings.chunker](document.text, blocks, settings, embedder)
    above = _paths(headings, made)
    return [_chunk(document, span, title, path) for span, path in zip(made, above, strict=True)]


def searched_text(chunk: Chunk) -> str:
    """What is embedded and indexed: title, headings and context, unless the passage says them, and itself."""
    above = [line for line in (chunk.title, chunk.headings, chunk.context) if line and line not in chunk.text]
    return "\n".join([*dict.fromkeys(above), chunk.text])


def stamp(chunk: Chunk) -> None:
    """Write down the hash of what is searched, which its vector goes by."""
    chunk.sha256 = sha256_of_text(searched_text(chunk))


def _chunk(document: Document, span: tuple[int, int], title: str, path: list[str]) -> Chunk:
    start, end = span
    shown = " > ".join(path[-MOST_HEADINGS:])
    name = f"{document.name}:{start}"
    chunk = Chunk(name, document.name, start, end, document.text[start:end], title, shown)
    stamp(chunk)
    return chunk


def _paths(headings: list[Block], spans: Spans) -> Iterator[list[str]]:
    """For each span the titles of the headings that it stands under, outermost first, without its own."""
    path: list[Block] = []
    at = 0
    for start, _ in spans:
        while at < len(headings) and headings[at].start <= start:
            while path and path[-1].level >= headings[at].level:
                path.pop()
            path.append(headings[at])
            at += 1
        yield [heading.title for heading in path if heading.start < start]


def _first_title(blocks: list[Block]) -> str:
    """The heading that the document opens with, or the first of the highest level near its beginning.

    One that comes later names a part: above every passage of a long document it would mislead.
    """
    opening = [block for block in blocks[:1] if block.kind == "heading"]
    near = [*opening, *blocks[:OPENING]]
    return next((block.title for block in near if block.level == 1 or block in opening), "")
