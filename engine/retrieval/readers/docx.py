"""DOCX through python-docx: headings, paragraphs, list items and tables. Runs apart (apart.py).

A DOCX is a zip file of XML: how much it unpacks to is looked at before anything is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph

from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.builder import TextBuilder
from engine.retrieval.readers.dates import iso_date
from engine.retrieval.readers.problems import Unreadable

MOST_UNPACKED = 300_000_000
MOST_XML = 60_000_000
MOST_PARTS = 10_000
LONGEST_TIMES = 200
"""How many times longer than packed the XML may be, where it is long; Word's own reaches about 20."""

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The document. Raises Unreadable when it is encrypted, damaged, or unpacks to more than it should."""
    _check_size(data)
    try:
        opened = docx.Document(io.BytesIO(data))
        builder = TextBuilder()
        for part in opened.iter_inner_content():
            _add(builder, part)
        said = opened.core_properties
        title, date, tags = said.title, iso_date(said.modified) or iso_date(said.created), said.keywords
    except Unreadable:
        raise
    except Exception as error:  # zipfile, lxml and python-docx each have their own, without a common base
        raise Unreadable(f"it is no DOCX, or damaged: {type(error).__name__}: {error}") from error
    return Document(
        name,
        builder.text,
        kind,
        title=(title or "").strip(),
        blocks=builder.blocks,
        date=date,
        tags=[tag for part in (tags or "").split(",") if (tag := part.strip())],
    )


def _check_size(data: bytes) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("it is encrypted, or an old .doc: save it as DOCX without a password")
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Unreadable(f"it is no DOCX, or damaged: {error}") from error
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("it is encrypted")
    xml = [part for part in parts if part.filename.endswith((".xml", ".rels"))]
    total, xml_total = sum(part.file_size for part in parts), sum(part.file_size for part in xml)
    packed = max(1, sum(part.compress_size for part in xml))
    if (
        len(parts) > MOST_PARTS
        or total > MOST_UNPACKED
        or xml_total > MOST_XML
        or (xml_total > 1_000_000 and xml_total / packed > LONGEST_TIMES)
    ):
        raise Unreadable(f"it would unpack to {total / 1e6:,.0f} MB in {len(parts):,} parts (a zip bomb?)")


def _add(builder: TextBuilder, part: Paragraph | Table) -> None:
    if isinstance(part, Table):
        builder.add("table", "\n".join(filter(None, map(_row, part._tbl.tr_lst))))
        return
    style = part.style.name or "" if part.style is not None else ""
    if heading := _HEADING.match(style):
        builder.add("heading", " ".join(part.text.split()), int(heading[1]))
    elif style == "Title":
        builder.add("heading", " ".join(part.text.split()), 1)
    elif style.startswith("List") or part._p.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
        builder.add("item", part.text)
    else:
        builder.add("paragraph", part.text)


def _row(row: Any) -> str:
    """A row's cells; read from the XML, as python-docx takes very long for long tables."""
    cells = [
        " ".join("".join(word.text or "" for word in cell.iter(qn("w:t"))).split()) for cell in row.tc_lst
    ]
    return " | ".join(cells) if any(cells) else ""
