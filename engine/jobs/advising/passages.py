"""The right passages of a case, from its expected sources: what retrieval would find if it were perfect."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.retrieval.words import terms
from store import knowledge
from store.records.evals import Case
from store.records.knowledge import Chunk, Hit
from store.workspace import Workspace

SPAN = re.compile(r"(.+):(\d+)-(\d+)")


class GoldPassages:
    """Looks up the chunks of a knowledge base that a case's expected sources mean."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._by_document: dict[str, list[Chunk]] = {}
        for chunk in chunks:
            self._by_document.setdefault(chunk.doc, []).append(chunk)

    def of(self, case: Case, most: int) -> list[Hit]:
        """At most `most` chunks: those of a span, or those of a document that share most words with the case.

        The words of the expected answer count too: this is a ceiling, not a way to search.
        """
        wanted = set(terms(f"{case.input} {case.expected or ''}"))
        found = [chunk for source in case.expected_sources for chunk in self._chunks(source)]
        found.sort(key=lambda chunk: -len(wanted & set(terms(chunk.text))))
        return [
            Hit(chunk.doc, chunk.start, chunk.end, 1.0, chunk.text, chunk.title, chunk.id)
            for chunk in found[:most]
        ]

    def _chunks(self, source: str) -> list[Chunk]:
        if match := SPAN.fullmatch(source):
            start, end = int(match[2]), int(match[3])
            chunks = self._by_document.get(match[1], [])
            return [chunk for chunk in chunks if chunk.start < end and start < chunk.end]
        return self._by_document.get(source, [])


def gold_passages(workspace: Workspace, kb: str) -> GoldPassages:
    """Those of a knowledge base as it is now. Raises MissingError where it was never ingested."""
    with knowledge.open_generation(workspace.paths, kb) as generation:
        return GoldPassages(generation.chunks())
