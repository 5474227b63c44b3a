"""The right passages of a case, from its expected sources: what retrieval would find if it were perfect."""

from __future__ import annotations

from collections.abc import Sequence

from engine.evals.checks.retrieval import source_of
from engine.retrieval.words import terms
from store import knowledge
from store.records.evals import Case
from store.records.knowledge import Chunk, Hit
from store.workspace import Workspace


class GoldPassages:
    """Looks up the passages of a knowledge base that a case's expected sources mean."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._passages = [
            Hit(chunk.doc, chunk.start, chunk.end, 1.0, chunk.text, chunk.title, chunk.id) for chunk in chunks
        ]

    def of(self, case: Case, most: int) -> list[Hit]:
        """At most `most` of them, those first that share most words with the case.

        The words of the expected answer count too: this is a ceiling, not a way to search.
        """
        sources = [source_of(source) for source in case.expected_sources]
        wanted = set(terms(f"{case.input} {case.expected or ''}"))
        found = [hit for hit in self._passages if any(source.is_in(hit) for source in sources)]
        return sorted(found, key=lambda hit: -len(wanted & set(terms(hit.text))))[:most]


def gold_passages(workspace: Workspace, kb: str) -> GoldPassages:
    """Those of a knowledge base as it is now. Raises MissingError where it was never ingested."""
    with knowledge.open_generation(workspace.paths, kb) as generation:
        return GoldPassages(generation.chunks())
