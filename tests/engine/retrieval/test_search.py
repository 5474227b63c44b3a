"""A knowledge base opened and searched, by one process and by several."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from engine.retrieval.search import Searcher, open_searcher
from engine.retrieval.search_process import search_apart
from store.errors import MissingError, TemperError, UsageError
from store.records.knowledge import SearchResult
from tests.engine.retrieval.conftest import Library


@pytest.fixture(scope="module")
def searcher(shelf: Library) -> Iterator[Searcher]:
    opened = open_searcher(shelf.workspace, "docs")
    yield opened
    opened.close()


def docs(searcher: Searcher, query: str) -> list[str]:
    return [hit.doc for hit in searcher.search(query, 3).hits]


def test_a_question_in_other_words_finds_its_passage(searcher: Searcher) -> None:
    assert docs(searcher, "When can I come by?")[0] == "knowledge/opening.txt"


def test_a_rare_word_finds_its_passage(searcher: Searcher) -> None:
    assert docs(searcher, "gwei")[0] == "knowledge/fees.md"


def test_a_hit_is_a_span_of_its_document(searcher: Searcher, shelf: Library) -> None:
    result = searcher.search("lost wallet", 1)
    (hit,) = result.hits
    text = (shelf.workspace.root / hit.doc).read_text(encoding="utf-8")
    assert text[hit.start : hit.end] == hit.text
    assert (hit.title, result.kb, result.generation) == ("Recovery", "docs", 1)
    assert result.seconds > 0


def test_scores_fall_from_hit_to_hit(searcher: Searcher) -> None:
    scores = [hit.score for hit in searcher.search("gas for a transfer", 3).hits]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("query", ["", " \n\t"])
def test_an_empty_query_finds_nothing(searcher: Searcher, query: str) -> None:
    assert docs(searcher, query) == []


@pytest.mark.parametrize(
    "query", ["the and of it", "?", "zzxqj", "\0", "wallet " * 3000, "🪙" * 500], ids=range(6)
)
def test_a_strange_query_is_answered(searcher: Searcher, query: str) -> None:
    assert len(docs(searcher, query)) == 3


def test_a_new_generation_is_noticed(library: Library) -> None:
    searcher = open_searcher(library.workspace, "docs")
    library.write(parking="# Parking\n\nCars stand behind the house.\n")
    assert "knowledge/parking.md" not in docs(searcher, "where do I park?")
    library.build()
    assert docs(searcher, "where do I park?")[0] == "knowledge/parking.md"
    assert searcher.search("x", 1).generation == 2
    searcher.close()


def test_threads_may_search_at_once(searcher: Searcher) -> None:
    queries = ["gwei", "When can I come by?"] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda query: docs(searcher, query)[0], queries))
    assert found == ["knowledge/fees.md", "knowledge/opening.txt"] * 4


def test_a_base_that_was_never_built_says_how_to_build_it(unbuilt: Library) -> None:
    with pytest.raises(MissingError) as caught:
        open_searcher(unbuilt.workspace, "docs")
    assert "temper kb ingest --kb docs" in caught.value.remedy


def test_an_unknown_base_names_the_known(unbuilt: Library) -> None:
    with pytest.raises(UsageError, match="Did you mean 'docs'"):
        open_searcher(unbuilt.workspace, "doc")


@pytest.fixture
def other_embedder(library: Library, embedder_file: Path) -> Path:
    """The same model in a file with another hash."""
    other = library.workspace.root / "other.gguf"
    other.write_bytes(embedder_file.read_bytes() + b"\0")
    return other


def test_another_embedder_is_refused(library: Library, other_embedder: Path) -> None:
    library.workspace.amend("knowledge", "docs", {"sources": ["knowledge"], "embedder": other_embedder.name})
    with pytest.raises(UsageError, match="was built with another embedder") as caught:
        open_searcher(library.workspace, "docs")
    assert "temper kb ingest --kb docs" in caught.value.remedy


def test_an_embedder_that_is_gone_is_named(library: Library) -> None:
    library.workspace.amend("knowledge", "docs", {"sources": ["knowledge"], "embedder": "gone.gguf"})
    with pytest.raises(MissingError, match=r"gone\.gguf"):
        open_searcher(library.workspace, "docs")


def test_two_processes_search_one_generation_alike(searcher: Searcher, shelf: Library) -> None:
    queries = ["gwei", "When can I come by?"]
    with ThreadPoolExecutor(2) as pool:
        apart = list(pool.map(lambda query: search_apart(shelf.workspace.root, "docs", query, 3), queries))
    for query, result in zip(queries, apart, strict=True):
        assert untimed(result) == untimed(searcher.search(query, 3))


def untimed(result: SearchResult) -> SearchResult:
    stages = [msgspec.structs.replace(stage, milliseconds=0.0) for stage in result.stages]
    return msgspec.structs.replace(result, seconds=0.0, stages=stages)


def test_an_error_of_the_other_process_arrives_whole(unbuilt: Library) -> None:
    with pytest.raises(TemperError, match="was never built") as caught:
        search_apart(unbuilt.workspace.root, "docs", "gwei", 3)
    assert caught.value.exit_code == MissingError.exit_code


def test_a_process_that_does_not_answer_is_reported(
    unbuilt: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TemperError, match="without an answer"):
        search_apart(unbuilt.workspace.root, "docs", "gwei", 3)
