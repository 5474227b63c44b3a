"""The next generation: what changed is embedded, what is gone disappears, the rest costs nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.inference.embedder import Embedder
from engine.retrieval import indexing
from engine.retrieval.chunking import searched_text
from engine.retrieval.dense import ExactIndex, GraphIndex, open_dense
from engine.retrieval.readers import find_files
from store import knowledge
from store.errors import UsageError
from tests.engine.retrieval.conftest import Library


def docs(library: Library) -> list[str]:
    with knowledge.open_generation(library.paths, "docs") as generation:
        return [chunk.doc for chunk in generation.chunks()]


def test_a_first_build_embeds_everything(unbuilt: Library) -> None:
    (unbuilt.folder / "photo.png").write_bytes(b"\x89PNG")
    built = unbuilt.build()
    assert (built.manifest.generation, built.manifest.documents, built.manifest.chunks) == (1, 3, 3)
    assert (built.embedded, built.reused, built.cut, built.new) == (3, 0, 0, True)
    assert list(built.manifest.skipped) == ["knowledge/photo.png"]
    assert built.manifest.embedder_sha256 == unbuilt.embedder.sha256
    assert knowledge.load_manifest(unbuilt.paths, "docs") == built.manifest


def test_few_vectors_need_no_graph_and_have_none(shelf: Library) -> None:
    with knowledge.open_generation(shelf.paths, "docs") as generation:
        assert not generation.has_graph
        assert isinstance(open_dense(generation, ["x"] * 100, exact_chunks=1), ExactIndex)


def test_vectors_belong_to_their_chunks_in_every_index(unbuilt: Library, embedder: Embedder) -> None:
    unbuilt.build(graph_from=0)
    with knowledge.open_generation(unbuilt.paths, "docs") as generation:
        chunks, vectors = generation.chunks(), generation.vectors()
        assert np.allclose(vectors, embedder.embed([searched_text(chunk) for chunk in chunks]), atol=1e-3)
        exact, graph = ExactIndex(vectors), GraphIndex(generation, [chunk.id for chunk in chunks])
        query = embedder.embed(["when are you open?"])[0]
        (best, score), *_ = exact.best(query, 3)
        assert chunks[best].doc == "knowledge/opening.txt"
        assert [at for at, _ in graph.best(query, 3)] == [at for at, _ in exact.best(query, 3)]
        assert graph.best(query, 1)[0][1] == pytest.approx(score, abs=1e-4)
        graph.close()


def test_only_what_changed_is_embedded_again(library: Library) -> None:
    library.write(fees="# Fees\n\nTransfers are free from now on.\n", extra="# Extra\n\nSomething new.\n")
    built = library.build()
    assert (built.manifest.generation, built.manifest.chunks) == (2, 4)
    assert (built.embedded, built.reused) == (2, 2)


def test_a_deleted_document_disappears(library: Library) -> None:
    (library.folder / "fees.md").unlink()
    built = library.build()
    assert (built.embedded, built.reused) == (0, 2)
    assert docs(library) == ["knowledge/opening.txt", "knowledge/recovery.md"]


def test_the_last_document_may_be_deleted_too(library: Library) -> None:
    for path in library.folder.iterdir():
        path.unlink()
    assert library.build().manifest.chunks == 0
    assert docs(library) == []


def test_nothing_is_published_where_nothing_changed(library: Library) -> None:
    again = library.build()
    published = knowledge.load_manifest(library.paths, "docs")
    assert (again.new, again.embedded, again.manifest) == (False, 0, published)
    assert knowledge.generations(library.paths, "docs") == [1]


def test_other_chunk_sizes_are_a_change(library: Library) -> None:
    built = library.build(chunk_tokens=8)
    assert built.manifest.generation == 2
    assert built.manifest.chunks > 3


def test_a_text_that_occurs_twice_is_embedded_once(library: Library) -> None:
    said = "---\ntags: [{}]\n---\nSomething new, said twice."
    library.write(one=said.format("a"), two=said.format("b"))
    built = library.build()
    assert (built.manifest.chunks, built.embedded, built.reused) == (5, 1, 3)


def test_a_first_build_without_documents_says_what_was_skipped(unbuilt: Library) -> None:
    for path in unbuilt.folder.iterdir():
        path.rename(path.with_suffix(".xyz"))
    with pytest.raises(UsageError, match=r"fees\.xyz: \.xyz is not a kind"):
        unbuilt.build()
    assert knowledge.current(unbuilt.paths, "docs") is None


def test_chunks_longer_than_the_embedder_reads_are_refused(unbuilt: Library) -> None:
    with pytest.raises(UsageError, match="reads 512 tokens"):
        unbuilt.build(chunk_tokens=513)


def test_a_stop_while_embedding_publishes_nothing(library: Library) -> None:
    library.write(fees="# Fees\n\nChanged.\n")

    class Stop(Exception):
        pass

    def stop(phase: str, done: int, total: int) -> None:
        if phase == "embed":
            raise Stop

    files = find_files([library.folder], library.workspace.root)
    with knowledge.publishing(library.paths, "docs", "a test"), pytest.raises(Stop):
        indexing.build_index(library.paths, "docs", files, library.embedder, indexing.IndexSettings(), stop)
    assert knowledge.generations(library.paths, "docs") == [1]
