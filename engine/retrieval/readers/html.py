"""HTML through lxml, which reads what browsers read: what a page shows, without scripts, styles and menus.

Runs in a process of its own (apart.py). Nothing is fetched, and what a page hides is not read.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from engine.retrieval.blocks import BlockKind
from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.builder import TextBuilder
from engine.retrieval.readers.dates import iso_date
from engine.retrieval.readers.problems import Unreadable

_SKIPPED = """
script style noscript template svg math iframe object embed head nav select button textarea
"""
SKIPPED = frozenset(_SKIPPED.split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = """
address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure
footer form header hr html li main ol p pre section summary table tbody tfoot thead tr ul
"""
BLOCKS = frozenset(_BLOCKS.split())
DATES = ("article:modified_time", "last-modified", "dcterms.modified", "article:published_time", "date")
TAGS = ("keywords", "article:tag")


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The document. Raises Unreadable for what holds no HTML."""
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("it is binary")
    root = _parse(data)
    if root is None:
        raise Unreadable("it is no HTML")
    page = _Page()
    page.walk(root)
    document = Document(name, page.builder.text, kind, blocks=page.builder.blocks)
    _take_head(root, document)
    return document


def _parse(data: bytes) -> Any:
    try:
        data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = None  # what the page itself says, or Latin-1
    parser = etree.HTMLParser(
        encoding=encoding, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"it is no HTML: {error}") from error
    if limits := [error.message for error in parser.error_log if error.type_name == "ERR_RESOURCE_LIMIT"]:
        raise Unreadable(f"it cannot be read to its end: {limits[0].partition(',')[0]}")
    return root


class _Page:
    """Goes through the elements once and makes a block of what stands between the edges of block elements."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self._inline: list[str] = []
        self._open: list[str] = []
        self._rows: list[str] = []
        self._tables = 0

    def walk(self, root: Any) -> None:
        skipped = None
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                if skipped is None and _is_skipped(element):
                    skipped = element
                    if element.tag in BLOCKS:
                        self._flush()
                elif skipped is None:
                    self._enter(element)
            else:
                if skipped is element:
                    skipped = None
                elif skipped is None:
                    self._leave(element.tag)
                if skipped is None:
                    self._inline.append(element.tail or "")
        self._flush()

    def _enter(self, element: Any) -> None:
        tag = element.tag
        if tag == "table":
            self._flush()
            self._tables += 1
        elif tag in HEADINGS or tag in BLOCKS:
            self._flush()
            self._open.append(tag)
        elif tag == "br":
            self._inline.append("\n")
        self._inline.append(element.text or "")

    def _leave(self, tag: str) -> None:
        if tag == "table":
            self._end_row()
            self._tables -= 1
            if not self._tables:
                self.builder.add("table", "\n".join(self._rows))
                self._rows = []
        elif tag in HEADINGS or tag in BLOCKS:
            if tag == "tr":
                self._end_row()
            self._flush()
            if self._open:
                self._open.pop()
        elif tag in ("td", "th"):
            self._inline.append(" | ")

    def _end_row(self) -> None:
        cells = " ".join("".join(self._inline).split()).strip("| ")
        self._inline = []
        if cells:
            self._rows.append(cells)

    def _flush(self) -> None:
        """What was gathered becomes a block, of the kind of the innermost element that has one."""
        if self._tables:
            self._inline.append(" ")
            return
        text = "".join(self._inline)
        self._inline = []
        if "pre" in self._open:
            self.builder.add("code", text.strip("\n"))
            return
        text = "\n".join(line for part in text.split("\n") if (line := " ".join(part.split())))
        if not text:
            return
        heading = next((HEADINGS[tag] for tag in reversed(self._open) if tag in HEADINGS), 0)
        kind: BlockKind = "heading" if heading else "item" if _in_item(self._open) else "paragraph"
        self.builder.add(kind, " ".join(text.split()) if kind != "paragraph" else text, heading)


def _in_item(open_tags: list[str]) -> bool:
    return any(tag in ("li", "dd", "dt") for tag in open_tags)


def _is_skipped(element: Any) -> bool:
    """Whether a page does not show the element, or only as part of its menus."""
    style = (element.get("style") or "").replace(" ", "").lower()
    hidden = element.get("hidden") is not None or "display:none" in style or "visibility:hidden" in style
    return element.tag in SKIPPED or hidden


def _take_head(root: Any, document: Document) -> None:
    """Title, date and tags of the page's head."""
    title = root.find(".//title")
    if title is not None:
        document.title = " ".join("".join(title.itertext()).split())
    said = {
        (meta.get("property") or meta.get("name") or "").lower(): meta.get("content") or ""
        for meta in root.iterfind(".//meta")
    }
    document.date = next((date for key in DATES if (date := iso_date(said.get(key, "")))), "")
    document.tags = [tag for key in TAGS for part in said.get(key, "").split(",") if (tag := part.strip())]
