"""How documents are cut, and who measures their texts. Knows no chunker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from store.records.workspace import Chunker

Spans = list[tuple[int, int]]
"""Beginnings and ends in a text, in characters, by their beginnings."""


class ChunkSettings(msgspec.Struct, frozen=True):
    """How documents are cut. `overlap_tokens` is what neighbours share at most, where a chunker overlaps."""

    chunker: Chunker = "structure"
    chunk_tokens: int = 200
    overlap_tokens: int = 0


class Measure(Protocol):
    """Who measures texts: the embedder, whose tokens count and whose vectors tell meanings apart."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors [texts, dimension] of length 1."""
