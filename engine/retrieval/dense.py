"""Ranking passages by meaning: cosine between the query's vector and theirs.

Up to EXACT_CHUNKS passages all are compared, which finds the true nearest and is faster; beyond that Chroma's
graph is asked. Does not know how vectors are made.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from store.knowledge import Generation

EXACT_CHUNKS = 50_000
"""Passages compared one by one. Measured: exact search is faster than the graph up to 50,000 to 100,000."""


class DenseIndex(Protocol):
    """Something that ranks by a vector."""

    def best(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Positions of the `count` best passages with their cosine, best first."""

    def close(self) -> None:
        """Let go of files."""


def open_dense(generation: Generation, ids: list[str], exact_chunks: int = EXACT_CHUNKS) -> DenseIndex:
    """The dense index of a generation whose passages are called `ids`, in the order of its vectors."""
    if len(ids) <= exact_chunks:
        return ExactIndex(generation.vectors())
    return GraphIndex(generation, ids)


class ExactIndex:
    """Every vector [chunks, dimension] compared; they have length 1, so that a dot product is a cosine."""

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        self._vectors = vectors

    def best(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Positions of the `count` best passages with their cosine, best first."""
        scores = self._vectors @ vector
        count = min(count, len(scores))
        near = np.argpartition(-scores, count - 1)[:count] if count else np.array([], dtype=np.int64)
        order = near[np.lexsort((near, -scores[near]))]
        return [(int(at), float(scores[at])) for at in order]

    def close(self) -> None:
        """Nothing is open."""


class GraphIndex:
    """Chroma's graph of neighbours."""

    def __init__(self, generation: Generation, ids: list[str]) -> None:
        self._index = generation.vector_index()
        self._position = {name: at for at, name in enumerate(ids)}

    def best(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Positions of the `count` best passages with their cosine, best first."""
        return [(self._position[name], score) for name, score in self._index.nearest(vector, count)]

    def close(self) -> None:
        """Let go of Chroma's files."""
        self._index.close()
