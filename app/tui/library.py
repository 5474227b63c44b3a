"""What the knowledge screen lists: knowledge bases, their documents as they were cut, files left out.

Reads files: call it in threads. Knows no widget, and neither how documents are cut nor how they are searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from store import knowledge
from store.records.knowledge import Chunk, Manifest
from store.workspace import Workspace


class Document(msgspec.Struct):
    """A document of the published generation: its passages in the order of its text."""

    name: str
    chunks: list[Chunk]


class Base(msgspec.Struct):
    """One knowledge base; without `manifest` it was never built."""

    name: str
    manifest: Manifest | None = None
    documents: list[Document] = []

    @property
    def key(self) -> tuple[str, int]:
        """Changes when another generation is published."""
        return (self.name, self.manifest.generation if self.manifest is not None else 0)


class Stretch(msgspec.Struct, frozen=True):
    """A part of a document's text, from `start`, in which the same passages lie: their numbers, in order.

    What lies in none has no text: a generation keeps only the text of its passages.
    """

    start: int
    text: str
    passages: tuple[int, ...]


def names(workspace: Workspace) -> list[str]:
    """Knowledge bases that temper.toml knows, then those that only lie in .temper."""
    return list(dict.fromkeys([*workspace.config.knowledge, *knowledge.names(workspace.paths)]))


def stamp(workspace: Workspace) -> tuple[tuple[str, int | None], ...]:
    """Changes when a knowledge base comes, goes or gets another generation. Cheap."""
    return tuple((name, knowledge.current(workspace.paths, name)) for name in names(workspace))


def read(workspace: Workspace, name: str) -> Base:
    """A knowledge base with all its passages. Raises TemperError for what is damaged."""
    if knowledge.current(workspace.paths, name) is None:
        return Base(name)
    with knowledge.open_generation(workspace.paths, name) as generation:
        by_document: dict[str, list[Chunk]] = {}
        for chunk in generation.chunks():
            by_document.setdefault(chunk.doc, []).append(chunk)
        documents = [
            Document(document, sorted(chunks, key=lambda chunk: (chunk.start, chunk.end)))
            for document, chunks in sorted(by_document.items())
        ]
        return Base(name, generation.manifest, documents)


def stretches(chunks: Sequence[Chunk]) -> Iterator[Stretch]:
    """A document's text from its passages, in order of start, cut where one begins or ends."""
    edges = sorted({edge for chunk in chunks for edge in (chunk.start, chunk.end)})
    holding: list[int] = []
    following = 0
    for start, end in pairwise(edges):
        while following < len(chunks) and chunks[following].start <= start:
            holding.append(following)
            following += 1
        holding = [at for at in holding if chunks[at].end > start]
        text = ""
        if holding:
            chunk = chunks[holding[0]]
            text = chunk.text[start - chunk.start : end - chunk.start]
        yield Stretch(start, text, tuple(holding))
