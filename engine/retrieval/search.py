"""A knowledge base opened and searched: words and meaning, fused. Follows newly published generations.

Loads llama.cpp: for workers and servers. Commands search through engine.retrieval.search_process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.inference.embedder import Embedder
from engine.retrieval.opened import Opened
from engine.retrieval.rewriting import Write
from engine.retrieval.sources import generation_embedder
from engine.retrieval.stages import Reranks, Tools, find, settled
from store import knowledge
from store.paths import WorkspacePaths
from store.records.knowledge import Manifest, SearchOptions, SearchResult
from store.records.workspace import Search
from store.workspace import Workspace

AS_SET = SearchOptions()
"""Everything as the settings say."""


class Helpers:
    """The models that a search may use besides the embedder, loaded when first needed. Close it."""

    def __init__(self, workspace: Workspace | None = None, settings: Search | None = None) -> None:
        self._workspace = workspace
        self._settings = settings or Search()
        self._opened: dict[str, Any] = {}

    def writer(self, options: SearchOptions) -> Write | None:
        """Who rewrites questions, where that is asked for and a model is named."""
        if options.query in (None, "as_asked") or not self._settings.query_model or self._workspace is None:
            return None
        if "writer" not in self._opened:
            from engine.retrieval.context_model import ContextModel

            self._opened["writer"] = ContextModel(
                self._workspace, self._settings.query_model, lambda said: None
            )
        write: Write = self._opened["writer"].write
        return write

    def reranker(self, options: SearchOptions) -> Reranks | None:
        """Who reranks, where that is asked for and a file is named."""
        if not options.rerank or not self._settings.reranker or self._workspace is None:
            return None
        if "reranker" not in self._opened:
            from engine.inference.reranker import Reranker

            self._opened["reranker"] = Reranker(self._workspace.path(self._settings.reranker))
        reranker: Reranks = self._opened["reranker"]
        return reranker

    def close(self) -> None:
        """Free what was loaded."""
        for model in self._opened.values():
            model.close()
        self._opened.clear()


class Searcher:
    """Searches one knowledge base; may be used by several threads. Close it.

    `embedder_of` gives the file of the embedder that made a generation's vectors, or says why it cannot.
    """

    def __init__(
        self,
        paths: WorkspacePaths,
        kb: str,
        embedder_of: Callable[[Manifest], Path],
        settings: Search | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        self._paths = paths
        self._kb = kb
        self._embedder_of = embedder_of
        self._settings = settings or Search()
        self._helpers = helpers or Helpers()
        self._lock = threading.Lock()
        self._opened, self._embedder = self._open(None)

    def search(self, query: str, top_k: int, options: SearchOptions = AS_SET) -> SearchResult:
        """The `top_k` best passages of the generation that is published now, best first.

        A query without text finds nothing; one longer than the embedder reads is embedded by its beginning.
        Raises UsageError when the knowledge base was meanwhile built with another embedder.
        """
        begin = time.perf_counter()
        with self._lock:
            if knowledge.current(self._paths, self._kb) != self._opened.manifest.generation:
                self._follow()
            asked = settled(options, self._settings)
            tools = Tools(self._embedder, self._helpers.writer(asked), self._helpers.reranker(asked))
            found = find(self._opened, query, top_k, asked, self._settings, tools)
            generation = self._opened.manifest.generation
        seconds = time.perf_counter() - begin
        return SearchResult(self._kb, generation, found.hits, seconds, found.query, found.stages)

    def close(self) -> None:
        """Let go of the generation and the embedder."""
        with self._lock:
            self._opened.close()
            self._embedder.close()
            self._helpers.close()

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
    settings = workspace.knowledge(kb).search

    def embedder_of(manifest: Manifest) -> Path:
        now = Workspace(workspace.root)  # read anew: a rebuild may have come with another embedder
        return generation_embedder(now, manifest)

    return Searcher(workspace.paths, kb, embedder_of, settings, Helpers(workspace, settings))
