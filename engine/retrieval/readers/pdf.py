"""PDF through pdfium, the engine of a browser: the text of its pages. Runs apart (apart.py)."""

from __future__ import annotations

import re

import pypdfium2

from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.builder import TextBuilder
from engine.retrieval.readers.dates import iso_date
from engine.retrieval.readers.problems import Unreadable

MOST_PAGES = 10_000

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SPLIT_WORD = re.compile(r"(?:\u00ad|\ufffe|\u0002)\n?")


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The document; `meta["page_starts"]` are the characters at which pages begin.

    Raises Unreadable when it is encrypted, damaged, or has no text.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(_told(str(error))) from error
    try:
        pages = len(pdf)
        if pages > MOST_PAGES:
            raise Unreadable(f"it has {pages:,} pages, more than {MOST_PAGES:,}")
        builder = TextBuilder()
        starts = [_add_page(pdf, number, builder) for number in range(pages)]
        said = pdf.get_metadata_dict()
    finally:
        pdf.close()
    if not builder.blocks:
        raise Unreadable("it has no text; pages that are pictures must go through OCR first")
    date = iso_date(said.get("ModDate", "")) or iso_date(said.get("CreationDate", ""))
    meta = {"page_starts": " ".join(map(str, starts))}
    if author := said.get("Author", "").strip():
        meta["author"] = author
    return Document(
        name,
        builder.text,
        kind,
        title=said.get("Title", "").strip(),
        blocks=builder.blocks,
        date=date,
        meta=meta,
    )


def _add_page(pdf: pypdfium2.PdfDocument, number: int, builder: TextBuilder) -> int:
    """Add a page's paragraphs; where it begins. A damaged page is empty."""
    start = builder.length
    try:
        page = pdf[number]
        text = page.get_textpage().get_text_bounded()
        page.close()
    except pypdfium2.PdfiumError:
        return start
    text = _SPLIT_WORD.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
    for paragraph in _PARAGRAPH.split(text):
        builder.add("paragraph", "\n".join(line.strip() for line in paragraph.split("\n")))
    return start


def _told(error: str) -> str:
    if "assword" in error:
        return "it is encrypted: a password is needed to read it"
    return f"it is no PDF, or damaged: {error.rstrip('.')}"
