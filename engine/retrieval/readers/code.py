"""Source code: the file's text, in blocks that begin at the left edge after an empty line."""

from __future__ import annotations

from pathlib import PurePath

from engine.retrieval.blocks import Block
from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.text import decode


def read(name: str, data: bytes, kind: Kind) -> Document:
    """The document. Its title is the file's name, which says much of code. Raises Unreadable as text does."""
    text = decode(data)
    return Document(name, text, kind, title=PurePath(name).name, blocks=code_blocks(text))


def code_blocks(text: str) -> list[Block]:
    """Parts of a program, closing brackets and continued lines with what they belong to."""
    blocks: list[Block] = []
    at, after_blank = 0, True
    for line in text.splitlines(keepends=True):
        end = at + len(line.rstrip())
        if not line.strip():
            after_blank = True
        elif blocks and not (after_blank and (line[0].isalnum() or line[0] in "_@#/\"'")):
            blocks[-1].end = end
            after_blank = False
        else:
            blocks.append(Block("code", at, end))
            after_blank = False
        at += len(line)
    return blocks
