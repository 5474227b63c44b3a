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


class DocumentRecord(msgspec.Struct):
    """A document of a generation. `text` is what chunks are spans of; for Markdown and text, the file's.

    `date` is an ISO date or empty, `tags` are the author's, `meta` is what else it says about itself.
    `file_sha256` is of the file's bytes, `sha256` of all that was read of it.
    """

    name: str
    text: str
    title: str = ""
    kind: str = ""
    date: str = ""
    tags: list[str] = []
    meta: dict[str, str] = {}
    file_sha256: str = ""
    sha256: str = ""


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

    `doc_sha256` is of all that was read of each document, `skipped` says why a file, or a line of one, is
    not in it. `format` changes when the same files would be read, chunked or stored differently. `embedder`
    is the file's name and `embedder_path` what temper.toml called it; `query_prefix` goes before a question
    when it is embedded. `chroma` is the server that holds the vectors; empty when they lie in the folder.
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
    chunker: str = "structure"
    overlap_tokens: int = 0
    context_model: str = ""
    embedder_path: str = ""
    pooling: str = ""
    window: int = 0
    query_prefix: str = ""
    document_prefix: str = ""
    chroma: str = ""
