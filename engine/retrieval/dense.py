"""Ranking passages by meaning: cosine between the query's vector and theirs.

Up to EXACT_CHUNKS passages all are compared, which finds the true nearest and is faster; beyond that Chroma's
graph is asked. Does not know how vectors are made.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from store.knowledge import Generation

Vectors = npt.NDArray[np.float32]

EXACT_CHUNKS = 50_000
"""Passages compared one by one. Measured: exact search is faster than the graph up to 50,000 to 100,000."""


class DenseIndex(Protocol):
    """Something that ranks by a vector."""

    def best(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Positions of the `count` best passages with their cosine, best first."""

    def scores(self, vector: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
        """The cosine of every passage [chunks]. Those that a graph does not find among the `count` nearest
        have the cosine of the last one found."""

    def close(self) -> None:
        """Let go of files."""


def open_dense(generation: Generation, ids: list[str], exact_chunks: int = EXACT_CHUNKS) -> DenseIndex:
    """The dense index of a generation whose passages are called `ids`, in the order of its vectors."""
    if len(ids) <= exact_chunks or not generation.has_graph:
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

    def scores(self, vector: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
        """The cosine of every passage [chunks]."""
        found: npt.NDArray[np.float32] = self._vectors @ vector
        return found

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

    def scores(self, vector: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
        """The cosine of the `count` nearest [chunks]; the others have the least of them."""
        near = self.best(vector, count)
        found = np.full(len(self._position), near[-1][1] if near else 0.0, dtype=np.float32)
        for at, score in near:
            found[at] = score
        return found

    def close(self) -> None:
        """Let go of Chroma's files."""
        self._index.close()
