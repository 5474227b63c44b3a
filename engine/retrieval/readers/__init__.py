"""Files as documents: which are read, as what kind of text, under which title; the others with the reason.

files.py  which files     text.py  text and Markdown     front_matter.py, dates.py  what they say of it
html.py, pdf.py, docx.py, rows.py, code.py, notebook.py  the other formats, a module each
builder.py  a text put together of blocks     apart.py  readers that could hang, in another process

Every reader has a limit: of bytes, of what it unpacks to, of characters. Does not know what is done with a
document.
"""

from __future__ import annotations

import importlib
import os
import re
import stat
from pathlib import Path

import msgspec

from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.dates import date_in_path
from engine.retrieval.readers.files import find_files as find_files
from engine.retrieval.readers.problems import Unreadable as Unreadable

FORMAT = 1
"""Counts up when the same files would become other documents: then a refresh reads them anew."""


_HALVES = re.compile("[\ud800-\udfff]")


class Format(msgspec.Struct, frozen=True):
    """How files of a kind are read: `module`.read(name, data, kind). `apart` in another process."""

    kind: Kind
    module: str
    suffixes: tuple[str, ...]
    largest: int
    apart: bool = False


_CODE = """
.py .pyi .js .mjs .jsx .ts .tsx .java .kt .c .h .cc .cpp .hpp .cs .go .rs .rb .php .swift .scala .sol .vy
.sh .bash .sql .r .jl .lua .hs .ml .ex .exs .clj .dart .proto .vue .svelte .tf
"""  # no settings: beside documents they are about how these are shown, and get into answers
FORMATS = [
    Format("markdown", "text", (".md", ".markdown", ".mdx"), 20_000_000),
    Format("text", "text", (".txt", ".text", ".rst", ".adoc", ".org", ".log"), 20_000_000),
    Format("html", "html", (".html", ".htm", ".xhtml"), 20_000_000, apart=True),
    Format("pdf", "pdf", (".pdf",), 150_000_000, apart=True),
    Format("docx", "docx", (".docx",), 100_000_000, apart=True),
    Format("rows", "rows", (".csv", ".tsv", ".jsonl", ".ndjson", ".json"), 50_000_000),
    Format("notebook", "notebook", (".ipynb",), 50_000_000),
    Format("code", "code", tuple(_CODE.split()), 5_000_000),
]
BY_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}


def format_of(path: Path) -> Format:
    """How a file is read. Raises Unreadable for a kind that is not."""
    found = BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        raise Unreadable(f"{path.suffix or 'a file without suffix'} is not a kind of document that is read")
    return found


def read_bytes(path: Path, largest: int) -> bytes:
    """A file's bytes. Raises Unreadable when it cannot be read, is too large, or is a pipe or a device."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("it is no regular file")
            if status.st_size > largest:
                raise Unreadable(f"it is larger than {largest // 1_000_000} MB")
            data = file.read(largest + 1)
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from error
    if len(data) > largest:
        raise Unreadable(f"it is larger than {largest // 1_000_000} MB")
    return data


def parse(name: str, data: bytes, how: Format) -> Document:
    """The document that `data` is, here and now. Raises Unreadable."""
    if not data:
        raise Unreadable("it is empty")
    module = importlib.import_module(f"engine.retrieval.readers.{how.module}")
    document: Document = module.read(name, data, how.kind)
    if not document.text[document.body :].strip():
        raise Unreadable("it is empty")
    # JSON can hold halves of characters, which no file can; one for one, so that spans stay right.
    document.text = _HALVES.sub("\ufffd", document.text)
    document.title = _HALVES.sub("\ufffd", document.title)
    document.date = document.date or date_in_path(name)
    return document


def read_document(name: str, path: Path) -> Document:
    """The file as a document, read in this process. Raises Unreadable with the reason."""
    how = format_of(path)
    return parse(name, read_bytes(path, how.largest), how)
