"""Plain text and Markdown: a document's text is the file's, decoded, so that spans hold for the file."""

from __future__ import annotations

import codecs

from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.front_matter import take_front_matter
from engine.retrieval.readers.problems import Unreadable

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The document. Raises Unreadable when it is binary or in another encoding."""
    document = Document(name, decode(data), kind)
    if kind == "markdown":
        take_front_matter(document)
    return document


def decode(data: bytes) -> str:
    """UTF-8, or what the file's mark says. Raises Unreadable for everything else."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data:
        raise Unreadable("it is binary")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not {encoding.upper()}: byte {error.start} cannot be decoded") from error
