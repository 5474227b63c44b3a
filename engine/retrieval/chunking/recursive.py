"""Recursive chunking by tokens: the text cut at blank lines, lines, sentences, words, as coarsely as will do.

Blind to structure but for front matter. With overlap a passage begins with the last parts of the one before.
"""

from __future__ import annotations

from engine.retrieval.blocks import Block
from engine.retrieval.chunking.settings import ChunkSettings, Measure, Spans
from engine.retrieval.chunking.splitting import split
from engine.retrieval.chunking.windows import windows


def spans(text: str, blocks: list[Block], settings: ChunkSettings, embedder: Measure) -> Spans:
    """Spans of at most `chunk_tokens`, overlapping by at most `overlap_tokens`."""
    if not blocks:
        return []
    start, end, most = blocks[0].start, blocks[-1].end, settings.chunk_tokens
    if not settings.overlap_tokens:
        return [(span.start, span.end) for span in split(text, start, end, most, embedder.count_tokens)]
    # What is shared must be made of parts that are small enough to be shared.
    fine = max(1, min(settings.overlap_tokens, most // 2))
    parts = list(split(text, start, end, fine, embedder.count_tokens))
    return windows(parts, most, settings.overlap_tokens)
