"""All files of a knowledge base as documents and passages. What has not changed is taken over.

Files are told apart by the hash of their bytes; of documents with the same content the first is kept. Knows
nothing of vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from engine.retrieval.chunking import chunks as cut
from engine.retrieval.chunking.settings import ChunkSettings, Measure
from engine.retrieval.document import Document
from engine.retrieval.readers import Unreadable, format_of, parse, read_bytes
from engine.retrieval.readers.apart import Apart
from store.records.knowledge import Chunk, DocumentRecord

Progress = Callable[[str, int, int], None]
"""Told the phase, how much is done and how much there is."""


class Known(msgspec.Struct):
    """What the last generation made of its files with the same settings; empty where they were others."""

    documents: dict[str, DocumentRecord] = {}
    chunks: dict[str, list[Chunk]] = {}
    skipped: dict[str, str] = {}


class Reading(msgspec.Struct):
    """Documents and passages in order, why other files are not among them, how many were unchanged."""

    documents: list[DocumentRecord] = []
    chunks: list[Chunk] = []
    skipped: dict[str, str] = {}
    unchanged: int = 0


def read_all(
    files: Mapping[str, Path], settings: ChunkSettings, embedder: Measure, known: Known, progress: Progress
) -> Reading:
    """Everything that can be read of `files` (name to path)."""
    reading = Reading()
    first: dict[str, str] = {}
    with Apart() as apart:
        for done, (name, path) in enumerate(files.items()):
            progress("read", done, len(files))
            try:
                record, made = _read(name, path, settings, embedder, known, apart, reading)
            except Unreadable as reason:
                reading.skipped[name] = str(reason)
                continue
            if (same := first.setdefault(record.sha256, name)) != name:
                reading.skipped[name] = f"it says the same as {same}"
                continue
            reading.documents.append(record)
            reading.chunks += made
    progress("read", len(files), len(files))
    return reading


def _read(
    name: str,
    path: Path,
    settings: ChunkSettings,
    embedder: Measure,
    known: Known,
    apart: Apart,
    reading: Reading,
) -> tuple[DocumentRecord, list[Chunk]]:
    how = format_of(path)
    data = read_bytes(path, how.largest)
    file_sha256 = hashlib.sha256(data).hexdigest()
    last = known.documents.get(name)
    if last is not None and last.file_sha256 == file_sha256:
        reading.unchanged += 1
        reading.skipped |= {part: why for part, why in known.skipped.items() if part.startswith(f"{name}: ")}
        return last, known.chunks.get(name, [])
    document = apart.parse(name, data, how) if how.apart else parse(name, data, how)
    reading.skipped |= {f"{name}: {part}": why for part, why in document.dropped.items()}
    return record_of(document, file_sha256), cut(document, settings, embedder)


def record_of(document: Document, file_sha256: str) -> DocumentRecord:
    """What is kept of a document. Its hash leaves the name out: copies have the same."""
    content = msgspec.json.encode(msgspec.structs.replace(document, name="", dropped={}))
    return DocumentRecord(
        document.name,
        document.text,
        document.title,
        document.kind,
        document.date,
        document.tags,
        document.meta,
        file_sha256,
        hashlib.sha256(content).hexdigest(),
    )
