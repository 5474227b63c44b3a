"""A knowledge base opened and searched: words and meaning, fused. Follows newly published generations.

Loads llama.cpp: for workers and servers. Commands search through engine.retrieval.search_process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.inference.embedder import Embedder
from engine.retrieval.dense import DenseIndex, open_dense
from engine.retrieval.fusion import fuse
from engine.retrieval.lexical import LexicalIndex
from engine.retrieval.sources import generation_embedder
from store import knowledge
from store.knowledge import Generation
from store.paths import WorkspacePaths
from store.records.knowledge import Hit, Manifest, SearchResult
from store.workspace import Workspace

CANDIDATES = 50
"""Passages taken of each ranking, at least; the fused order of the first few needs no more."""
WEIGHTS = (1.0, 1.0)
"""Of meaning and of words."""


class Opened:
    """One generation with its indexes in memory."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.manifest = generation.manifest
        self.chunks = generation.chunks()
        self.lexical = LexicalIndex(generation.folder / knowledge.LEXICAL)
        self.dense: DenseIndex = open_dense(generation, [chunk.id for chunk in self.chunks])

    def hits(self, query: str, embedder: Embedder, top_k: int) -> list[Hit]:
        """The `top_k` best passages. A query without known words is answered by meaning alone."""
        count = max(CANDIDATES, top_k)
        dense = (
            self.dense.best(embedder.embed([self.manifest.query_prefix + query])[0], count)
            if query.strip()
            else []
        )
        words = self.lexical.best(query, count)
        ranked = fuse([[at for at, _ in dense], [at for at, _ in words]], WEIGHTS)
        return [self._hit(at, score) for at, score in ranked[:top_k]]

    def close(self) -> None:
        """Let go of the generation."""
        self.dense.close()
        self.generation.close()

    def _hit(self, at: int, score: float) -> Hit:
        chunk = self.chunks[at]
        return Hit(chunk.doc, chunk.start, chunk.end, score, chunk.text, chunk.title, chunk.id)


class Searcher:
    """Searches one knowledge base; may be used by several threads. Close it.

    `embedder_of` gives the file of the embedder that made a generation's vectors, or says why it cannot.
    """

    def __init__(self, paths: WorkspacePaths, kb: str, embedder_of: Callable[[Manifest], Path]) -> None:
        self._paths = paths
        self._kb = kb
        self._embedder_of = embedder_of
        self._lock = threading.Lock()
        self._opened, self._embedder = self._open(None)

    def search(self, query: str, top_k: int) -> SearchResult:
        """The `top_k` best passages of the generation that is published now, best first.

        A query without text finds nothing; one longer than the embedder reads is embedded by its beginning.
        Raises UsageError when the knowledge base was meanwhile built with another embedder.
        """
        begin = time.perf_counter()
        with self._lock:
            if knowledge.current(self._paths, self._kb) != self._opened.manifest.generation:
                self._follow()
            hits = self._opened.hits(query, self._embedder, top_k)
            generation = self._opened.manifest.generation
        return SearchResult(self._kb, generation, hits, time.perf_counter() - begin)

    def close(self) -> None:
        """Let go of the generation and the embedder."""
        with self._lock:
            self._opened.close()
            self._embedder.close()

    def _follow(self) -> None:
        """Change over to what is published now; the old one stays open when that fails."""
        opened, embedder = self._open(self._embedder)
        self._opened.close()
        if embedder is not self._embedder:
            self._embedder.close()
        self._opened, self._embedder = opened, embedder

    def _open(self, embedder: Embedder | None) -> tuple[Opened, Embedder]:
        """What is published now, with its embedder: `embedder` if it is the right one."""
        generation = knowledge.open_generation(self._paths, self._kb)
        try:
            path = self._embedder_of(generation.manifest)
            opened = Opened(generation)
            if embedder is None or embedder.sha256 != generation.manifest.embedder_sha256:
                embedder = Embedder(path)
            return opened, embedder
        except BaseException:
            generation.close()
            raise


def open_searcher(workspace: Workspace, kb: str) -> Searcher:
    """The knowledge base `kb`, opened.

    Raises UsageError for an unknown name or another embedder than it was built with, MissingError when it was
    never built or the embedder is gone.
    """
    workspace.knowledge(kb)

    def embedder_of(manifest: Manifest) -> Path:
        now = Workspace(workspace.root)  # read anew: a rebuild may have come with another embedder
        return generation_embedder(now, manifest)

    return Searcher(workspace.paths, kb, embedder_of)
