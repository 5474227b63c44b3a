"""Several rankings as one by reciprocal rank, which Temper's own ranking is measured against.

Cormack, Clarke and Buettcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods (SIGIR 2009): a passage scores the sum over rankings of 1 / (K + rank), rank from 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

K = 60
"""The paper's constant: how little the first places differ."""


def fuse(rankings: Sequence[Sequence[int]], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Every item of `rankings` with its fused score, best first, equal ones by number."""
    scores: dict[int, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, 1):
            scores[item] += weight / (K + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
