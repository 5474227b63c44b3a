"""Jupyter notebooks: the cells that were written, in order; outputs are left out."""

from __future__ import annotations

import msgspec

from engine.retrieval.blocks import markdown_blocks
from engine.retrieval.document import Document, Kind
from engine.retrieval.readers.builder import TextBuilder
from engine.retrieval.readers.problems import Unreadable


class Cell(msgspec.Struct):
    """A cell; `input` is what version 3 calls the source of code."""

    cell_type: str = ""
    source: str | list[str] = ""
    input: str | list[str] = ""


class Sheet(msgspec.Struct):
    """Where version 3 keeps cells."""

    cells: list[Cell] = []


class Notebook(msgspec.Struct):
    """What is read of a notebook's JSON."""

    cells: list[Cell] = []
    worksheets: list[Sheet] = []


def read(name: str, data: bytes, kind: Kind) -> Document:
    """Markdown cells as Markdown, code cells as code. Raises Unreadable for what is no notebook."""
    try:
        notebook = msgspec.json.decode(data, type=Notebook)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"it is no notebook: {error}") from error
    builder = TextBuilder()
    for cell in [*notebook.cells, *(cell for sheet in notebook.worksheets for cell in sheet.cells)]:
        source = cell.source or cell.input
        text = (source if isinstance(source, str) else "".join(source)).strip("\n")
        if cell.cell_type == "markdown" and text.strip():
            builder.add_parsed(text, markdown_blocks(text))
        else:
            builder.add("code" if cell.cell_type == "code" else "paragraph", text)
    return Document(name, builder.text, kind, blocks=builder.blocks)
