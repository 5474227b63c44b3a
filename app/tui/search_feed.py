"""Searches for the knowledge screen: each in a process of its own, so that no key waits for a model.

Call it in threads. Knows no widget, and nothing of how passages are ranked.
"""

from __future__ import annotations

from store.records.knowledge import SearchResult
from store.workspace import Workspace

TOP_K = 10


class SearchFeed:
    """Searches the knowledge bases of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def search(self, kb: str, query: str) -> SearchResult:
        """The best passages, best first. Raises what the search raises."""
        from engine.retrieval.search_process import search_apart

        return search_apart(self._workspace.root, kb, query, TOP_K)
