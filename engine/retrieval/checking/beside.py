"""A knowledge base built otherwise, in a folder of its own: nobody else sees it, and it is never published.

Does not know which settings are tried, nor what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.retrieval.contextual import ContextWriter
from engine.retrieval.embedding import EmbeddingModel
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.opened import Opened
from engine.retrieval.reading import Progress
from store import knowledge
from store.paths import WorkspacePaths
from store.records.knowledge import Manifest


def build_beside(
    folder: Path,
    kb: str,
    files: Mapping[str, Path],
    embedder: EmbeddingModel,
    settings: IndexSettings,
    progress: Progress,
    writer: ContextWriter | None = None,
) -> Opened:
    """Build `kb` in `folder` and open it; whoever calls closes it and removes the folder.

    Raises what an ingest raises, among it UsageError for passages longer than the embedder reads.
    """
    paths = WorkspacePaths(folder)
    with knowledge.publishing(paths, kb, "temper kb check"):
        build_index(paths, kb, files, embedder, settings, progress, writer)
    return Opened(knowledge.open_generation(paths, kb))


def other_documents(published: Manifest, built: Manifest) -> list[str]:
    """Documents that are not the same in both: a source was changed since the last ingest."""
    names = published.doc_sha256.keys() | built.doc_sha256.keys()
    return sorted(name for name in names if published.doc_sha256.get(name) != built.doc_sha256.get(name))
