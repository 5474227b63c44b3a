"""Documents that are odd: nearly the same as another, at odds with another, or never brought up.

Compares words only, so that it is as quick for ten thousand documents as reading them. Two documents that
say a thing in other words are not seen as alike, nor as contradicting. Does not know which one is right.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zlib import crc32

from engine.retrieval.support import sentences
from engine.retrieval.words import terms
from store.records.kb_check import Alike, Contradiction, Unreached, Warnings
from store.records.knowledge import Chunk, DocumentRecord

ALIKE = 0.7
"""Share of common three-word sequences from which documents count as nearly the same."""
SAMPLED = 8
"""One of so many sequences is used to find pairs; every pair found is then compared in full."""
COMMON = 30
"""A sequence in more documents than this pairs each with the next alone: boilerplate would pair them all."""
SAME_SENTENCE = 0.75
"""Share of common words, figures aside, from which two sentences say the same thing."""
FEWEST_WORDS = 4
NAMED = 20

_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
_MONTH = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)

Found = Sequence[tuple[str, Sequence[Chunk]]]
"""Questions, each with the first passages that it brought up, best first."""


def look(documents: Sequence[DocumentRecord], chunks: Sequence[Chunk], found: Found, k: int) -> Warnings:
    """All warnings about a knowledge base. `found` may be empty; then nothing is said of what is reached."""
    pairs = alike(documents)
    dates = {document.name: document.date for document in documents}
    at_odds = contradictions(found, dates)
    return Warnings(
        len(pairs),
        pairs[:NAMED],
        len(at_odds),
        at_odds[:NAMED],
        unreached(chunks, found, k) if found else None,
    )


def alike(documents: Iterable[DocumentRecord]) -> list[Alike]:
    """Pairs of documents that say nearly the same, the most alike first."""
    sequences = {document.name: _sequences(document.text) for document in documents}
    having: dict[int, list[str]] = defaultdict(list)
    for name, own in sequences.items():
        for one in own:
            if one % SAMPLED == 0 or len(own) < 2 * SAMPLED:  # a short document has none to spare
                having[one].append(name)
    pairs = {
        pair
        for names in having.values()
        for pair in (itertools.combinations(names, 2) if len(names) <= COMMON else itertools.pairwise(names))
    }
    measured = [Alike(a, b, round(_share(sequences[a], sequences[b]), 3)) for a, b in pairs]
    kept = [one for one in measured if one.likeness >= ALIKE]
    return sorted(kept, key=lambda one: (-one.likeness, one.a, one.b))


def contradictions(found: Found, dates: Mapping[str, str]) -> list[Contradiction]:
    """Sentences of different documents, brought up by one question, alike but for their figures or dates.

    Each pair of documents is named once, with its first question.
    """
    seen: set[tuple[str, str]] = set()
    told = []
    for question, passages in found:
        for one, other in itertools.combinations(passages, 2):
            pair = (min(one.doc, other.doc), max(one.doc, other.doc))
            if one.doc == other.doc or pair in seen:
                continue
            said = next(_at_odds(one.text, other.text), None)
            if said is not None:
                seen.add(pair)
                told.append(
                    Contradiction(
                        question,
                        one.doc,
                        other.doc,
                        *said,
                        dates.get(one.doc, ""),
                        dates.get(other.doc, ""),
                    )
                )
    return told


def unreached(chunks: Sequence[Chunk], found: Found, k: int) -> Unreached:
    """The passages, and the documents, that no question brought among its first `k`."""
    brought = {passage.id for _, passages in found for passage in passages[:k]}
    dead = [chunk for chunk in chunks if chunk.id not in brought]
    of_document = Counter(chunk.doc for chunk in chunks)
    dead_of = Counter(chunk.doc for chunk in dead)
    documents = [doc for doc, count in of_document.items() if dead_of[doc] == count]
    return Unreached(
        len(dead),
        len(chunks),
        min(len(chunks), k * len(found)),
        [chunk.id for chunk in dead[:NAMED]],
        documents[:NAMED],
    )


def _sequences(text: str) -> set[int]:
    """Three words in a row, as numbers; of a shorter text, all of its words as one."""
    words = terms(text)
    runs = [words[at : at + 3] for at in range(max(1, len(words) - 2))] if words else []
    return {crc32(" ".join(run).encode()) for run in runs}


def _share(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def _at_odds(one: str, other: str) -> Iterator[tuple[str, str]]:
    """Sentences of both that have the same words and other figures."""
    right = [(text, *_parts(text)) for text in _sentences(other)]
    for text in _sentences(one):
        words, figures = _parts(text)
        if len(words) < FEWEST_WORDS or not figures:
            continue
        for there, their_words, their_figures in right:
            if not their_figures or figures == their_figures:
                continue
            if len(words & their_words) >= SAME_SENTENCE * len(words | their_words):
                yield text, there


def _sentences(text: str) -> Iterator[str]:
    return (text[start:end] for start, end in sentences(text))


def _parts(sentence: str) -> tuple[set[str], set[str]]:
    """The words of a sentence, and its figures and months."""
    lowered = sentence.lower()
    figures = {*_FIGURE.findall(lowered), *_MONTH.findall(lowered)}
    words = set(terms(_MONTH.sub(" ", _FIGURE.sub(" ", lowered))))
    return words, figures
