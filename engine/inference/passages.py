"""The passages that a variant's question is answered from, whoever answers: this machine or an API.

Knows no knowledge base: engine.retrieval.search has what searches one.
"""

from __future__ import annotations

import time
from typing import Protocol

from engine.inference.answers import Ask
from engine.models.chat import last_user
from store.records.knowledge import Hit, SearchResult


class Searcher(Protocol):
    """Whatever finds passages: engine.retrieval.search has the real one."""

    def search(self, query: str, top_k: int) -> SearchResult:
        """The best `top_k` passages."""

    def close(self) -> None:
        """Let go of what is open."""


def passages_for(ask: Ask, searcher: Searcher | None, top_k: int) -> tuple[list[Hit], float]:
    """The passages for a conversation's last question, and the milliseconds that finding them took.

    None where it wants none, or nobody searches.
    """
    if searcher is None or not ask.retrieval:
        return [], 0.0
    begin = time.perf_counter()
    hits = searcher.search(last_user(ask.messages), top_k).hits
    return hits, round((time.perf_counter() - begin) * 1000, 3)
