"""Files as documents: which are read, as what kind of text, under which title; the others with the reason.

Reads Markdown and plain text. A document's text is the file's, decoded and otherwise unchanged, so that spans
hold for the file. Does not know what is done with it.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.retrieval.document import Document, Kind
from store.errors import MissingError

KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
}
LARGEST_BYTES = 20_000_000

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE)


class Unreadable(Exception):
    """Why a file is not in the knowledge base."""


def find_files(sources: Sequence[Path], root: Path) -> dict[str, Path]:
    """All files of `sources` (files and folders) by name: relative to `root` where they lie below it.

    Names and folders that begin with a dot are passed over, links to folders are not followed. Raises
    MissingError for a source that is not there.
    """
    files = {}
    for source in sources:
        if not source.exists():
            raise MissingError(
                "A source of the knowledge base is not there",
                f"{source} does not exist.",
                "Check `sources` in temper.toml, or the path that you typed.",
            )
        for path in [source] if source.is_file() else _walk(source):
            inside = path.is_relative_to(root)
            files[path.relative_to(root).as_posix() if inside else path.as_posix()] = path
    return dict(sorted(files.items()))


def read_document(name: str, path: Path) -> Document:
    """The file as a document. Raises Unreadable with the reason."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise Unreadable(f"{path.suffix or 'a file without suffix'} is not a kind of document that is read")
    text = _decode(_read(path))
    if not text.strip():
        raise Unreadable("it is empty")
    document = Document(name, text, kind)
    if kind == "markdown" and (front := _FRONT_MATTER.match(text)):
        document.body = front.end()
        if title := _TITLE.search(front[1]):
            document.title = title[1].strip("'\"")
    return document


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        yield from (Path(parent) / name for name in names if name[0] != ".")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Unreadable(f"it is larger than {LARGEST_BYTES // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from error


def _decode(data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data:
        raise Unreadable("it is binary")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not {encoding.upper()}: byte {error.start} cannot be decoded") from error
