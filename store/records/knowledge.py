"""Chunks, search hits and the manifest of a knowledge base's generation."""

from __future__ import annotations

import msgspec


class Chunk(msgspec.Struct):
    """A passage. `start` and `end` count characters of the document's text: text == document[start:end].

    `headings` are those that it stands under, outermost first, joined by " > "; `context` is a line that a
    model wrote about it. `sha256` is of what was embedded: while it and the embedder stay the same, so does
    the vector.
    """

    id: str
    doc: str
    start: int
    end: int
    text: str
    title: str = ""
    headings: str = ""
    sha256: str = ""
    context: str = ""


class Hit(msgspec.Struct):
    """A passage found. `score` orders hits; its scale depends on the retriever."""

    doc: str
    start: int
    end: int
    score: float
    text: str
    title: str = ""
    chunk: str = ""


class SearchResult(msgspec.Struct):
    """What `temper kb search` prints. `seconds` covers embedding, search and fusion."""

    kb: str
    generation: int
    hits: list[Hit]
    seconds: float = 0.0


class Manifest(msgspec.Struct):
    """Stands in each generation: what it holds and which embedder made it.

    `doc_sha256` is of each document's text, `skipped` says why a file is not in it. `format` changes when the
    same documents would be stored or chunked differently.
    """

    kb: str
    generation: int
    created: str
    documents: int
    chunks: int
    dimension: int
    embedder: str
    embedder_sha256: str
    chunk_tokens: int
    doc_sha256: dict[str, str] = {}
    skipped: dict[str, str] = {}
    format: int = 1
