"""Another embedder: built beside the old one, which answers meanwhile; open searchers change over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.readers import find_files
from engine.retrieval.search import Searcher, open_searcher
from engine.retrieval.sources import written
from store import knowledge
from store.errors import UsageError
from store.workspace import Workspace
from tests.engine.retrieval.conftest import Library


@pytest.fixture
def other(library: Library, embedder_file: Path) -> Path:
    """The same model in a file with another hash."""
    path = library.workspace.root / "other.gguf"
    path.write_bytes(embedder_file.read_bytes() + b"\0")
    return path


@pytest.fixture
def searcher(library: Library) -> Iterator[Searcher]:
    opened = open_searcher(library.workspace, "docs")
    yield opened
    opened.close()


def name_embedder(library: Library, path: Path) -> None:
    """As the ingest job does just before the swap, or a user by hand."""
    now = Workspace(library.workspace.root)
    changed = msgspec.structs.replace(now.knowledge("docs"), embedder=path.name)
    now.amend("knowledge", "docs", written(changed))


def test_the_old_generation_answers_until_the_new_one_is_ready_and_then_the_new_one_does(
    library: Library, other: Path, searcher: Searcher
) -> None:
    asked: list[int] = []

    def ask() -> None:
        name_embedder(library, other)
        asked.append(searcher.search("gwei", 1).generation)
        late = open_searcher(library.workspace, "docs")  # also for one that is opened just now
        asked.append(late.search("gwei", 1).generation)
        late.close()

    files = find_files([library.folder], library.workspace.root)
    settings = IndexSettings(embedder_path=other.name)
    with Embedder(other) as embedder, knowledge.publishing(library.paths, "docs", "a test"):
        built = build_index(library.paths, "docs", files, embedder, settings, before_swap=ask)
    assert (asked, built.embedded) == ([1, 1], 3)
    assert searcher.search("gwei", 1).generation == 2


def test_outside_of_a_build_another_embedder_is_refused_and_the_rebuild_offered(
    library: Library, other: Path
) -> None:
    name_embedder(library, other)
    with pytest.raises(UsageError, match="was built with another embedder") as caught:
        open_searcher(library.workspace, "docs")
    assert "temper kb ingest --kb docs" in caught.value.remedy


def test_another_prefix_is_another_vector(library: Library) -> None:
    files = find_files([library.folder], library.workspace.root)
    settings = IndexSettings(
        embedder_path="builtin:minilm", query_prefix="query: ", document_prefix="passage: "
    )
    with knowledge.publishing(library.paths, "docs", "a test"):
        built = build_index(library.paths, "docs", files, library.embedder, settings)
    assert (built.embedded, built.reused, built.unchanged) == (3, 0, 3)
    assert (built.manifest.query_prefix, built.manifest.document_prefix) == ("query: ", "passage: ")
    assert built.manifest.pooling == "mean"
