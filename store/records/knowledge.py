"""Chunks, search hits and the manifest of a knowledge base's generation."""

from __future__ import annotations

from typing import Literal

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
    """A passage found. `score` orders hits; its scale depends on the retriever.

    `date` is the document's, an ISO date or empty; `stale` says why it may be out of date, and is empty where
    nothing says so. `scores` are the passage's own, by stage: cosine, BM25 and what a reranker said.
    """

    doc: str
    start: int
    end: int
    score: float
    text: str
    title: str = ""
    chunk: str = ""
    date: str = ""
    scores: dict[str, float] = {}
    stale: str = ""


class SearchOptions(msgspec.Struct, frozen=True):
    """What a search is asked for besides the query. None: as `[knowledge.NAME.search]` says.

    A document must have all of `tags` and match one of the patterns `paths` (`how-to/*`). `as_of` keeps
    what was dated on that day or before, `since` on that day or after (ISO dates); with either, a document
    without a date is left out. `freshest` orders the hits by date, newest first, instead of by score.
    """

    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    as_of: str = ""
    since: str = ""
    freshest: bool = False
    query: Literal["as_asked", "rewrite", "hyde"] | None = None
    rerank: bool | None = None
    diversity: float | None = None
    parents: bool | None = None
    budget_tokens: int | None = None


class Dropped(msgspec.Struct):
    """A passage that a stage left out, and why."""

    doc: str
    start: int
    end: int
    why: str


class SearchStage(msgspec.Struct):
    """What a stage of a search was given and what it kept. `note` says how; `dropped` names the first few."""

    name: str
    given: int
    kept: int
    note: str = ""
    dropped: list[Dropped] = []
    milliseconds: float = 0.0


class SearchResult(msgspec.Struct):
    """What `temper kb search` prints. `seconds` covers all `stages`; `query` is what was searched for."""

    kb: str
    generation: int
    hits: list[Hit]
    seconds: float = 0.0
    query: str = ""
    stages: list[SearchStage] = []


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
