"""A document as readers make it: its text, the blocks of it, and what is known about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.retrieval.blocks import Block, markdown_blocks, plain_blocks

Kind = Literal["markdown", "text", "html", "pdf", "docx", "rows", "code", "notebook"]


class Document(msgspec.Struct):
    """A document. `body` is where its text begins after front matter, in characters; `title` may be empty.

    `blocks` are given by readers that know them and parsed from the text otherwise. `date` is an ISO date or
    empty, `tags` are the author's, `meta` is what else the document says about itself. `dropped` are
    parts that could not be read, with the reason.
    """

    name: str
    text: str
    kind: Kind
    body: int = 0
    title: str = ""
    blocks: list[Block] | None = None
    date: str = ""
    tags: list[str] = []
    meta: dict[str, str] = {}
    dropped: dict[str, str] = {}


def blocks_of(document: Document) -> list[Block]:
    """The blocks of a document, in order, from the end of its front matter on."""
    if document.blocks is not None:
        return document.blocks
    parse = markdown_blocks if document.kind == "markdown" else plain_blocks
    return parse(document.text, document.body)
