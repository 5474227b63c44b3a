"""What questions expect, found in the generation at hand: documents by name, parts by place or by quotation.

What is not there is told, never scored: a question about a document that is gone says nothing of the search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from store.records.kb_check import Question, Source, Unresolved

_PART = re.compile(r"(.+):(\d+)-(\d+)", re.DOTALL)


class Expecting(msgspec.Struct):
    """A question, and its sources in this generation."""

    question: Question
    sources: list[Source]


class _Absent(Exception):
    """Why a source cannot be found."""


def resolve(
    questions: Iterable[Question], texts: Mapping[str, str]
) -> tuple[list[Expecting], list[Unresolved]]:
    """Questions with their sources, and those that cannot be scored. `texts` are documents by name."""
    known: list[Expecting] = []
    unresolved: list[Unresolved] = []
    for question in questions:
        try:
            known.append(Expecting(question, _sources(question, texts)))
        except _Absent as why:
            unresolved.append(Unresolved(question.question, str(why)))
    return known, unresolved


def _sources(question: Question, texts: Mapping[str, str]) -> list[Source]:
    named = [_named(one, texts) for one in question.expected]
    if not question.quotes:
        if not named:
            raise _Absent("it says neither `expected` nor `quotes`")
        return list(dict.fromkeys(named))
    within = [source.doc for source in named] or list(texts)
    return list(dict.fromkeys(_quoted(quote, within, texts) for quote in question.quotes))


def _named(text: str, texts: Mapping[str, str]) -> Source:
    """A document by its name, or by the end of its path, with its part."""
    if (doc := _document(text, texts)) is not None:
        return Source(doc)
    part = _PART.fullmatch(text)
    doc = _document(part[1], texts) if part else None
    if part is None or doc is None:
        raise _Absent(f"{text} is not in the knowledge base")
    start, end = int(part[2]), int(part[3])
    if not start < end <= len(texts[doc]):
        raise _Absent(f"{text}: the document has the characters 0 to {len(texts[doc])}")
    return Source(doc, start, end)


def _document(name: str, texts: Mapping[str, str]) -> str | None:
    if name in texts:
        return name
    ends = [doc for doc in texts if doc.endswith(f"/{name}")]
    if len(ends) > 1:
        raise _Absent(f"{name} could be {' or '.join(ends[:3])}")
    return ends[0] if ends else None


def _quoted(quote: str, within: Sequence[str], texts: Mapping[str, str]) -> Source:
    """Where a quotation stands; blank space may differ."""
    words = quote.split()
    if not words:
        raise _Absent("a quotation is empty")
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = [(doc, match) for doc in within if (match := pattern.search(texts[doc]))]
    shown = quote if len(quote) <= 60 else quote[:60] + " ..."
    if not found:
        raise _Absent(f'"{shown}" stands in none of its documents')
    if len(found) > 1:
        docs = ", ".join(doc for doc, _ in found[:3])
        raise _Absent(f'"{shown}" stands in several documents ({docs}): name one in `expected`')
    doc, match = found[0]
    return Source(doc, match.start(), match.end())
