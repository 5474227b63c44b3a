"""Windows of whole sentences, each beginning with the last sentences of the window before."""

from __future__ import annotations

from collections.abc import Iterator

from engine.retrieval.blocks import Block
from engine.retrieval.chunking.settings import ChunkSettings, Measure, Spans
from engine.retrieval.chunking.splitting import Count, Span, sentences, split
from engine.retrieval.chunking.windows import windows

OVERLAP = 0.25
"""Share of a window that the next one repeats, where the settings do not say."""


def spans(text: str, blocks: list[Block], settings: ChunkSettings, embedder: Measure) -> Spans:
    """Windows of at most `chunk_tokens`. Code and tables are kept whole if they fit."""
    most = settings.chunk_tokens
    overlap = settings.overlap_tokens or int(most * OVERLAP)
    parts = [part for block in blocks for part in _parts(text, block, most, embedder.count_tokens)]
    return windows(parts, most, overlap)


def _parts(text: str, block: Block, most: int, count: Count) -> Iterator[Span]:
    cut = sentences if block.kind in ("paragraph", "item") else split
    return cut(text, block.start, block.end, most, count)
