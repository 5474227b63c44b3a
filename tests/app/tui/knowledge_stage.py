"""Knowledge bases and searches for the tests of the knowledge screen, laid by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.tui.search_feed import SearchFeed
from store import chunk_table, clock, knowledge
from store.records.knowledge import Chunk, Dropped, Hit, Manifest, SearchResult, SearchStage
from store.workspace import Workspace
from tests.app.tui.stage import Staged

RECOVERY = """# Lost phone

If a phone is lost, freeze the wallet from any other device. Nothing can be sent from a frozen wallet.

## A new phone

Enter the twelve words, in order. They are the only way to restore a wallet.
"""
LIMITS = """# Limits

A new device may send small amounts for one day.
"""


def cut(name: str, text: str, *spans: tuple[int, int], headings: str = "") -> list[Chunk]:
    """Passages of a document, by their spans."""
    title = text.partition("\n")[0].lstrip("# ")
    return [
        Chunk(f"{name}-{number}", name, start, end, text[start:end], title, headings)
        for number, (start, end) in enumerate(spans)
    ]


def passages() -> list[Chunk]:
    """Two documents; two of the first one's passages overlap by a sentence."""
    second, third = RECOVERY.index("Nothing can"), RECOVERY.index("## A new")
    end = len(RECOVERY) - 1
    return [
        *cut("knowledge/recovery.md", RECOVERY, (0, third - 2), (second, third - 2), (third, end)),
        *cut("knowledge/limits.md", LIMITS, (0, len(LIMITS) - 1), headings="Limits"),
    ]


def lay_knowledge(
    workspace: Workspace,
    kb: str = "docs",
    chunks: list[Chunk] | None = None,
    skipped: dict[str, str] | None = None,
) -> Manifest:
    """The next generation of a knowledge base, as far as the screen reads it."""
    listed = passages() if chunks is None else chunks

    def write(folder: Path, generation: int) -> Manifest:
        chunk_table.write(folder, listed, np.zeros((len(listed), 4), np.float32))
        return Manifest(
            kb,
            generation,
            clock.stamp(),
            len({chunk.doc for chunk in listed}),
            len(listed),
            4,
            "minilm",
            "0" * 64,
            96,
            skipped=skipped or {},
        )

    with knowledge.publishing(workspace.paths, kb, "a test"):
        return knowledge.publish(workspace.paths, kb, write)


class ScriptedSearches(SearchFeed):
    """Finds what it is given, or raises `error`."""

    def __init__(self, hits: list[Hit] | None = None, error: Exception | None = None) -> None:
        found = [
            Hit(c.doc, c.start, c.end, 1 / at, c.text, scores={"meaning": 0.8 / at, "words": 9.0 / at})
            for at, c in enumerate(passages(), 1)
        ]
        self.hits = found if hits is None else hits
        self.error = error
        self.asked: list[tuple[str, str]] = []

    def search(self, kb: str, query: str) -> SearchResult:
        """As app.tui.search_feed.SearchFeed searches."""
        self.asked.append((kb, query))
        if self.error is not None:
            raise self.error
        dropped = [Dropped("knowledge/old.md", 120, 300, "it is like knowledge/recovery.md")]
        stages = [
            SearchStage("ranking", 60, 50, "by meaning and words", milliseconds=2.1),
            SearchStage("diversity", 50, 4, "0.3", dropped, 1.4),
        ]
        return SearchResult(kb, 1, self.hits, 0.004, query, stages if self.hits else [])


class KnowledgeStaged(Staged):
    """The real app with scripted searches, opened on the knowledge screen."""

    DEFAULT_MODE = "knowledge"

    def __init__(self, workspace: Workspace, searches: ScriptedSearches | None = None) -> None:
        super().__init__(workspace)
        self.searches = searches or ScriptedSearches()

    def search_feed(self) -> SearchFeed:
        """The script."""
        return self.searches
