"""Ranking by words and by meaning, and both fused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.retrieval.dense import ExactIndex
from engine.retrieval.lexical import LexicalIndex, write_index
from scripts.real_runs.rank_fusion import K, fuse

TEXTS = [
    "Signing a transaction",
    "A list of transactions",
    "Call eth_getBalance to see it",
    "Nothing of note",
]


def index(folder: Path, texts: list[str]) -> LexicalIndex:
    write_index(folder / "lexical", texts)
    return LexicalIndex(folder / "lexical")


def places(found: list[tuple[int, float]]) -> list[int]:
    return [at for at, _ in found]


def test_the_passage_with_more_of_the_words_comes_first(tmp_path: Path) -> None:
    assert places(index(tmp_path, TEXTS).best("how do I sign transactions?", 5)) == [0, 1]


def test_an_identifier_is_found_whole_and_by_its_parts(tmp_path: Path) -> None:
    lexical = index(tmp_path, TEXTS)
    assert places(lexical.best("eth_getBalance", 5)) == places(lexical.best("balance", 5)) == [2]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "zebra", "?!"])
def test_a_query_without_a_known_word_finds_nothing(tmp_path: Path, query: str) -> None:
    assert index(tmp_path, TEXTS).best(query, 5) == []


@pytest.mark.parametrize("texts", [[], ["the", "of"]])
def test_texts_without_words_make_an_index_that_finds_nothing(tmp_path: Path, texts: list[str]) -> None:
    assert index(tmp_path, texts).best("word", 5) == []


def test_the_index_is_not_pickled(tmp_path: Path) -> None:
    index(tmp_path, TEXTS)
    for path in (tmp_path / "lexical").iterdir():
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)
        else:
            assert path.suffix == ".json"


def test_exact_search_gives_the_nearest_in_order() -> None:
    vectors = np.eye(4, dtype=np.float32)
    found = ExactIndex(vectors).best(np.array([0.1, 0.9, 0.0, 0.4], dtype=np.float32), 3)
    assert places(found) == [1, 3, 0]
    assert found[0][1] == pytest.approx(0.9)


def test_exact_search_of_little_or_nothing_gives_all() -> None:
    query = np.ones(4, dtype=np.float32)
    assert places(ExactIndex(np.eye(4, dtype=np.float32)[:2]).best(query, 9)) == [0, 1]
    assert ExactIndex(np.zeros((0, 4), dtype=np.float32)).best(query, 9) == []


def test_fused_scores_are_sums_of_reciprocal_ranks() -> None:
    fused = fuse([[7, 8], [8, 9]], (1.0, 2.0))
    assert [item for item, _ in fused] == [8, 9, 7]
    assert [score for _, score in fused] == pytest.approx(
        [1 / (K + 2) + 2 / (K + 1), 2 / (K + 2), 1 / (K + 1)]
    )
