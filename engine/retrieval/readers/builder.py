"""A text put together of blocks, for readers whose files are no text themselves."""

from __future__ import annotations

from engine.retrieval.blocks import Block, BlockKind
from engine.retrieval.readers.problems import check_length


class TextBuilder:
    """Blocks one after the other, an empty line between them; `blocks` are their exact places in `text`."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.length = 0
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def add(self, kind: BlockKind, text: str, level: int = 0) -> None:
        """Add a block, unless `text` is blank. Raises Unreadable when it becomes too much."""
        if not (text := text.strip()):
            return
        start = self._append(
            text, tight=kind == "item" and bool(self.blocks) and self.blocks[-1].kind == kind
        )
        title = " ".join(text.split()) if kind == "heading" else ""
        self.blocks.append(Block(kind, start, start + len(text), level, title))

    def add_parsed(self, text: str, blocks: list[Block]) -> None:
        """Add a text whose `blocks` are known, by their places in it."""
        start = self._append(text)
        for block in blocks:
            self.blocks.append(
                Block(block.kind, block.start + start, block.end + start, block.level, block.title)
            )

    def _append(self, text: str, tight: bool = False) -> int:
        """Where `text` begins."""
        space = "" if not self._parts else "\n" if tight else "\n\n"
        start = self.length + len(space)
        self._parts += [space, text]
        self.length = start + len(text)
        check_length(self.length)
        return start
