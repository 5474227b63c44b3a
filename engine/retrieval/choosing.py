"""The best of ranked passages: what says the same twice is put back, sections stand in for their passages,
and all of it fits a number of tokens.

Maximal marginal relevance: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking (SIGIR 1998).
Each function tells what it left out and why. Knows no index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from store.records.knowledge import Chunk, Dropped, Hit

SAME = 0.97
"""Cosine from which two passages say the same: the second is no news however well it fits."""


def diverse(
    ranked: Sequence[int],
    scores: Sequence[float],
    vectors: npt.NDArray[np.float32],
    count: int,
    diversity: float,
) -> tuple[list[int], dict[int, str]]:
    """Places in `ranked` of the `count` chosen ones, and why each place before the last chosen was not.

    `vectors` [ranked, dimension] have length 1. Each next one has the highest (1 - diversity) * relevance -
    diversity * likeness, where relevance is the score brought to 0..1 and likeness the highest cosine to a
    chosen one.
    """
    relevance = np.asarray(scores, dtype=np.float64)
    spread = relevance.max() - relevance.min() if len(relevance) else 0.0
    relevance = (relevance - relevance.min()) / spread if spread else np.ones(len(relevance))
    likeness = np.zeros(len(ranked))
    nearest = np.full(len(ranked), -1)
    left = np.ones(len(ranked), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count and left.any():
        gain = (1 - diversity) * relevance - diversity * likeness - np.where(likeness >= SAME, 2.0, 0.0)
        best = int(np.argmax(np.where(left, gain, -np.inf)))
        chosen.append(best)
        left[best] = False
        to_best = vectors @ vectors[best]
        nearest[to_best > likeness] = best
        likeness = np.maximum(likeness, to_best)
    passed = range(max(chosen)) if chosen else ()
    why = {at: f"like a better one ({likeness[at]:.2f})" for at in passed if at not in chosen}
    return chosen, why


def with_parents(
    hits: Sequence[Hit], chunks_of: Callable[[str], Sequence[Chunk]], text_of: Callable[[str], str], most: int
) -> tuple[list[Hit], list[Dropped]]:
    """Each hit widened to its section (neighbours under the same headings) of at most `most` characters.

    Hits that a better one's section holds already are dropped, and told.
    """
    kept: list[Hit] = []
    dropped: list[Dropped] = []
    for hit in hits:
        holder = next((one for one in kept if _inside(hit, one)), None)
        if holder is not None:
            dropped.append(Dropped(hit.doc, hit.start, hit.end, "in the section of a better one"))
            continue
        start, end = _section(hit, chunks_of(hit.doc), most)
        kept.append(msgspec.structs.replace(hit, start=start, end=end, text=text_of(hit.doc)[start:end]))
    return kept, dropped


def _inside(hit: Hit, other: Hit) -> bool:
    return hit.doc == other.doc and other.start <= hit.start and hit.end <= other.end


def _section(hit: Hit, chunks: Sequence[Chunk], most: int) -> tuple[int, int]:
    """The span of the chunks around `hit` under its headings, grown by turns, as far as `most` allows."""
    here = next((at for at, chunk in enumerate(chunks) if chunk.id == hit.chunk), None)
    if here is None:
        return hit.start, hit.end
    low = high = here
    grown = True
    while grown:
        grown = False
        for step in (1, -1):
            at = high + 1 if step == 1 else low - 1
            if not 0 <= at < len(chunks) or chunks[at].headings != chunks[here].headings:
                continue
            start, end = min(chunks[low].start, chunks[at].start), max(chunks[high].end, chunks[at].end)
            if end - start <= most:
                low, high, grown = min(low, at), max(high, at), True
    return chunks[low].start, max(chunk.end for chunk in chunks[low : high + 1])


def within_tokens(
    hits: Sequence[Hit], budget: int, count_tokens: Callable[[str], int]
) -> tuple[list[Hit], list[Dropped]]:
    """The hits that fit `budget` tokens together, best first; one too long is passed over, not cut."""
    kept: list[Hit] = []
    dropped: list[Dropped] = []
    used = 0
    for hit in hits:
        size = count_tokens(hit.text)
        if used + size <= budget:
            kept.append(hit)
            used += size
        else:
            dropped.append(
                Dropped(hit.doc, hit.start, hit.end, f"{size} tokens, {budget - used} of {budget} are left")
            )
    return kept, dropped
