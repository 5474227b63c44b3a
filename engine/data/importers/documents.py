"""Plain text and Markdown: one record per document, a long one divided where a paragraph or section ends.

A piece holds LONGEST characters at most. Front matter is no part of the text. Does not know tokens.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TextIO

from engine.data.importers import Dropped, Record, bad_bytes

LONGEST = 32_000  # characters
_EARLIEST = LONGEST // 4  # a piece is not cut before this, however good the place
_FRONT_MATTER = 1 << 16  # characters in which it must end
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
_YAML_KEY = re.compile(r"\s*(#.*|[\w-]+\s*:.*)?$")
_TOML_KEY = re.compile(r"\s*(#.*|\[.*|[\w.\"'-]+\s*=.*)?$")
_SENTENCE = re.compile(r"[.!?]['\")\]]*\s+|[\u3002\uff01\uff1f]")  # also of Chinese and Japanese
_SPACE = re.compile(r"\s+")
_EMPTY_LINES = re.compile(r"(?:[^\S\n]*\n)*")


def read_document(text: TextIO, markdown: bool) -> Iterator[Record | Dropped]:
    """The pieces of one document, opened with newline=None, as {"text": piece}."""
    buffer, line = text.read(_FRONT_MATTER), 1
    if markdown and (skipped := front_matter_end(buffer)):
        line += buffer.count("\n", 0, skipped)
        buffer = buffer[skipped:]
    fenced = False
    while True:
        while len(buffer) <= LONGEST and (more := text.read(LONGEST)):
            buffer += more
        end = len(buffer) if len(buffer) <= LONGEST else 0
        if not end:
            end, fenced = cut_at(buffer[:LONGEST], markdown, fenced)
        yield from _piece(buffer[:end], line)
        line += buffer.count("\n", 0, end)
        buffer = buffer[end:]
        if not buffer and not (buffer := text.read(LONGEST)):
            return


def front_matter_end(text: str) -> int:
    """Where the text after YAML (---) or TOML (+++) front matter begins; 0 where there is none.

    A rule (---) at the top of a document is no front matter: between the fences must stand keys.
    """
    start = len(text) - len(text.lstrip("\ufeff"))
    fence = text[start : start + 3]
    if fence not in ("---", "+++") or text[start + 3 : start + 80].partition("\n")[0].strip():
        return 0
    key = _YAML_KEY if fence == "---" else _TOML_KEY
    at = text.find("\n", start) + 1
    first = ""
    while at:
        end = text.find("\n", at)
        row = text[at : end if end >= 0 else len(text)]
        if row.rstrip() in (fence, "..." if fence == "---" else fence):
            return end + 1 if end >= 0 else len(text)
        if not first and row.strip():
            first = row
            if not key.match(first):
                return 0
        at = end + 1
    return 0


def cut_at(window: str, markdown: bool, fenced: bool) -> tuple[int, bool]:
    """Where to end a piece that begins with `window`, and whether that is within a code fence.

    The last of the best places after the first quarter: before a heading, after an empty line, at the end of
    a line, of a sentence, of a word, of the window. Headings and empty lines in a code fence are none.
    """
    best = dict.fromkeys(("heading", "paragraph", "line"), (0, fenced))
    at, blank = 0, False
    for row in io.StringIO(window):
        if at >= _EARLIEST:
            best["line"] = (at, fenced)
            if not fenced and markdown and _HEADING.match(row):
                best["heading"] = (at, fenced)
            if not fenced and blank and row.strip():
                best["paragraph"] = (at, fenced)
        if markdown and _FENCE.match(row):
            fenced = not fenced
        blank = not row.strip()
        at += len(row)
    for end, inside in best.values():
        if end:
            return end, inside
    for pattern in (_SENTENCE, _SPACE):
        ends = [found.end() for found in pattern.finditer(window, _EARLIEST)]
        if ends:
            return ends[-1], fenced
    return len(window), fenced


def _piece(piece: str, line: int) -> Iterator[Record | Dropped]:
    piece = piece.removeprefix("\ufeff")
    begin = _EMPTY_LINES.match(piece).end()  # type: ignore[union-attr]  # it also matches nothing
    body = piece[begin:].rstrip()
    if not body:
        return
    line += piece.count("\n", 0, begin)
    byte = bad_bytes(body)
    yield Dropped(line, f"not UTF-8: byte {byte}") if byte else Record(line, {"text": body})
