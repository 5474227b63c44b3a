"""What a search does besides ranking, and how each stage tells what it left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.choosing import diverse, with_parents, within_tokens
from engine.retrieval.filters import matches
from engine.retrieval.opened import Opened
from engine.retrieval.rewriting import searched_for
from engine.retrieval.stages import Found, Tools, find
from store import knowledge
from store.errors import UsageError
from store.records.knowledge import Chunk, Hit, SearchOptions
from store.records.workspace import Search
from tests.engine.retrieval.conftest import Library

DATED = {
    "old": "---\ndate: 2024-03-01\ntags: [fees]\n---\n# Fees\n\nA transfer pays ten coins of fees.\n",
    "new": "---\ndate: 2026-02-01\ntags: [fees, mobile]\n---\n# Fees\n\nA transfer pays two coins of fees.\n",
    "undated": "# Fees\n\nA transfer pays fees.\n",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Opened]:
    library = Library(tmp_path_factory.mktemp("dated"), embedder)
    library.write(**DATED)
    library.build()
    found = Opened(knowledge.open_generation(library.paths, "docs"))
    yield found
    found.close()


def search(
    opened: Opened,
    embedder: Embedder,
    query: str = "fees of a transfer",
    settings: Search | None = None,
    **asked: Any,
) -> Found:
    options = SearchOptions(**asked)
    return find(opened, query, 5, options, settings or Search(), Tools(embedder))


def names(found: Found) -> set[str]:
    return {Path(hit.doc).stem for hit in found.hits}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"tags": ("fees",)}, {"old", "new"}),
        ({"tags": ("Fees", "mobile")}, {"new"}),
        ({"as_of": "2025-01-01"}, {"old"}),
        ({"as_of": "2024"}, {"old"}),
        ({"since": "2025-01-01"}, {"new"}),
        ({"paths": ("*/undated.md",)}, {"undated"}),
        ({"tags": ("none such",)}, set()),
    ],
)
def test_a_filter_keeps_what_fits(
    opened: Opened, embedder: Embedder, asked: dict[str, Any], kept: set[str]
) -> None:
    assert names(search(opened, embedder, **asked)) == kept


def test_a_filter_tells_how_many_it_left_out_and_why(opened: Opened, embedder: Embedder) -> None:
    stages = {stage.name: stage for stage in search(opened, embedder, as_of="2025-01-01").stages}
    assert "1 dated after 2025-01-01" in stages["filter"].note
    assert "without a date" in stages["filter"].note
    assert stages["filter"].kept < stages["filter"].given


def test_the_freshest_come_first(opened: Opened, embedder: Embedder) -> None:
    dates = [hit.date for hit in search(opened, embedder, freshest=True).hits]
    assert dates == sorted(dates, reverse=True)
    assert dates[0] == "2026-02-01"


@pytest.mark.parametrize("date", ["yesterday", "2025-13-01", "01.02.2025"])
def test_a_date_that_is_none_is_refused(opened: Opened, embedder: Embedder, date: str) -> None:
    with pytest.raises(UsageError, match="That is no date"):
        search(opened, embedder, as_of=date)


def test_reranking_without_a_reranker_says_what_to_name(opened: Opened, embedder: Embedder) -> None:
    with pytest.raises(UsageError, match="No reranker") as caught:
        search(opened, embedder, rerank=True)
    assert "reranker =" in caught.value.remedy


def test_a_reranker_decides_the_order(opened: Opened, embedder: Embedder) -> None:
    class Shortest:
        def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
            return [-len(text) for text in texts]

    tools = Tools(embedder, rerank=Shortest())
    found = find(opened, "fees of a transfer", 5, SearchOptions(rerank=True), Search(), tools)
    assert found.hits[0].scores["reranker"] == max(hit.scores["reranker"] for hit in found.hits)
    assert Path(found.hits[0].doc).stem == "undated"


def test_a_budget_leaves_out_what_does_not_fit_and_names_it(opened: Opened, embedder: Embedder) -> None:
    found = search(opened, embedder, budget_tokens=25)
    stage = found.stages[-1]
    assert stage.name == "budget"
    assert sum(embedder.count_tokens(hit.text) for hit in found.hits) <= 25
    assert len(stage.dropped) == stage.given - stage.kept > 0
    assert "of 25 are left" in stage.dropped[0].why


@pytest.mark.parametrize("query", ["", "the of and", "мультиподпись", "fee " * 5000, "\0"])
def test_a_strange_query_passes_every_stage(opened: Opened, embedder: Embedder, query: str) -> None:
    found = search(opened, embedder, query, diversity=0.5, parents=True, budget_tokens=500, freshest=True)
    assert bool(found.hits) == bool(query.strip())


def test_a_model_adds_to_a_question_and_never_replaces_it() -> None:
    text, note = searched_for("How do I pay?", "hyde", lambda prompt: "You pay\nwith coins.")
    assert text == "How do I pay?\nYou pay with coins."
    assert note == "imagined: You pay with coins."


@pytest.mark.parametrize("write", [None, lambda prompt: "  "])
def test_a_question_stays_as_asked_where_no_model_writes(write: object) -> None:
    text, note = searched_for("How?", "rewrite", write)  # type: ignore[arg-type]
    assert text == "How?"
    assert note.startswith("as asked")


def test_what_is_like_a_better_one_is_put_back() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    chosen, why = diverse([0, 1, 2], [3.0, 2.9, 2.0], vectors, 2, 0.3)
    assert chosen == [0, 2]
    assert list(why) == [1]


def test_without_likeness_the_order_stays() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert diverse([0, 1, 2], [3.0, 2.0, 1.0], vectors, 3, 0.5)[0] == [0, 1, 2]


def section(start: int, end: int, headings: str) -> Chunk:
    return Chunk(f"d:{start}", "d", start, end, "x" * (end - start), headings=headings)


def test_a_passage_grows_to_its_section_and_takes_others_of_it_in() -> None:
    chunks = [section(0, 10, "A"), section(10, 20, "A"), section(20, 30, "B")]
    hits = [Hit("d", 10, 20, 1.0, "", chunk="d:10"), Hit("d", 0, 10, 0.5, "", chunk="d:0")]
    kept, dropped = with_parents(hits, lambda doc: chunks, lambda doc: "y" * 30, 100)
    assert [(hit.start, hit.end, hit.text) for hit in kept] == [(0, 20, "y" * 20)]
    assert dropped[0].why == "in the section of a better one"


def test_a_section_grows_no_further_than_allowed() -> None:
    chunks = [section(at, at + 10, "A") for at in range(0, 100, 10)]
    hits = [Hit("d", 50, 60, 1.0, "", chunk="d:50")]
    ((kept,), _) = with_parents(hits, lambda doc: chunks, lambda doc: "y" * 100, 35)
    assert kept.end - kept.start == 30
    assert kept.start <= 50 < 60 <= kept.end


def test_a_passage_too_long_for_the_budget_lets_shorter_ones_through() -> None:
    hits = [Hit("d", 0, 1, 3.0, "a b c d"), Hit("d", 1, 2, 2.0, "a b")]
    kept, dropped = within_tokens(hits, 3, lambda text: len(text.split()))
    assert [hit.text for hit in kept] == ["a b"]
    assert len(dropped) == 1


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("how-to/fees.md", "how-to", True),
        ("how-to/fees.md", "how-to/", True),
        ("how-to/fees.md", "*.md", True),
        ("docs/how-to/fees.md", "how-to/*", True),
        ("how-tos/fees.md", "how-to", False),
    ],
)
def test_a_path_is_a_folder_or_a_pattern(name: str, pattern: str, fits: bool) -> None:
    assert matches(name, pattern) is fits
