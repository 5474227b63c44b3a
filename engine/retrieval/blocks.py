"""The structure of a document as blocks with exact spans: headings, paragraphs, list items, code, tables.

Enough of Markdown to know what belongs together; not a renderer. Knows nothing of chunks or tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

BlockKind = Literal["heading", "paragraph", "item", "code", "table", "row"]
"""A `table` is one of a text; a `row` is one of a file of rows, and a matter of its own."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_TABLE = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_INDENT = re.compile(r"(?: {2,}|\t)\S")


class Block(msgspec.Struct):
    """`text[start:end]`, without the blank lines around it. `level` and `title` are a heading's."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    title: str = ""


def plain_blocks(text: str, begin: int = 0) -> list[Block]:
    """Paragraphs: what stands between blank lines."""
    blocks: list[Block] = []
    joins = False
    for start, line in _lines(text, begin):
        if not line.strip():
            joins = False
        elif joins:
            blocks[-1].end = start + len(line.rstrip())
        else:
            blocks.append(Block("paragraph", start, start + len(line.rstrip())))
            joins = True
    return blocks


def markdown_blocks(text: str, begin: int = 0) -> list[Block]:
    """Blocks of Markdown from character `begin` on."""
    blocks: list[Block] = []
    fence = ""
    blank = True
    for start, line in _lines(text, begin):
        end = start + len(line.rstrip())
        last = blocks[-1] if blocks else None
        if fence:
            blocks[-1].end = max(end, blocks[-1].end)
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif not line.strip():
            blank = True
            continue
        elif opened := _FENCE.match(line):
            fence = opened[1]
            blocks.append(Block("code", start, end))
        elif heading := _ATX.match(line.rstrip()):
            blocks.append(Block("heading", start, end, len(heading[1]), heading[2].strip()))
        elif last and not blank and last.kind == "paragraph" and (under := _SETEXT.match(line.rstrip())):
            _make_heading(last, text, end, 1 if under[1][0] == "=" else 2)
        elif _ITEM.match(line):
            blocks.append(Block("item", start, end))
        elif _TABLE.match(line.rstrip()):
            if last and not blank and last.kind == "table":
                last.end = end
            else:
                blocks.append(Block("table", start, end))
        elif last and _continues(last, line, blank):
            last.end = end
        else:
            blocks.append(Block("paragraph", start, end))
        blank = False
    return blocks


def _make_heading(block: Block, text: str, end: int, level: int) -> None:
    block.title = " ".join(text[block.start : block.end].split())
    block.kind, block.level, block.end = "heading", level, end


def _continues(last: Block, line: str, blank: bool) -> bool:
    if last.kind == "item":
        return not blank or bool(_INDENT.match(line))
    return last.kind == "paragraph" and not blank


def _lines(text: str, begin: int) -> Iterator[tuple[int, str]]:
    for match in _LINE.finditer(text, begin):
        yield match.start(), match[0]
