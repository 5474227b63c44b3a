"""The real default embedder through llama.cpp's low-level API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

from engine.inference.embedder import Embedder
from engine.inference.llama import quiet_backend
from store.errors import MissingError, UsageError
from store.hashing import sha256_of_file
from store.paths import default_embedder

TEXTS = ["A cat sleeps on the sofa.", "The kitten naps.", "Interest rates rose by a quarter point."]


@pytest.fixture(scope="module")
def path() -> Path:
    found = default_embedder()
    if not found.is_file():
        pytest.skip(f"no embedder at {found} (scripts/setup makes it)")
    return found


@pytest.fixture(scope="module")
def embedder(path: Path) -> Iterator[Embedder]:
    with Embedder(path) as opened:
        yield opened


def test_a_vector_per_text_each_of_length_one(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (3, embedder.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_texts_that_mean_the_same_are_near(embedder: Embedder) -> None:
    cat, kitten, rates = embedder.embed(TEXTS)
    assert cat @ kitten > 0.5 > 0.2 > cat @ rates


def test_vectors_are_those_of_the_stock_path(embedder: Embedder, path: Path) -> None:
    quiet_backend()
    stock = llama_cpp.Llama(str(path), embedding=True, verbose=False)
    expected = np.array([stock.embed(text, normalize=True) for text in TEXTS])
    stock.close()
    assert np.abs(embedder.embed(TEXTS) - expected).max() < 1e-3


def test_a_text_has_the_same_vector_alone_and_in_company(embedder: Embedder) -> None:
    many = [f"{text} Number {number}." for number in range(20) for text in TEXTS]
    together = embedder.embed(many)
    alone = np.vstack([embedder.embed([text]) for text in many[:3]])
    assert np.abs(together[:3] - alone).max() < 1e-3


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_many_tiny_texts_fit(embedder: Embedder) -> None:
    assert embedder.embed([""] * 300).shape == (300, 384)


def test_a_long_text_is_cut_and_reported(embedder: Embedder) -> None:
    cut: list[int] = []
    long = "word " * 600
    vectors = embedder.embed(["short", long, "word " * 510], cut)
    assert cut == [1]
    assert vectors[1] @ vectors[2] > 0.99


def test_tokens_are_counted_without_those_around_a_text(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("word " * 30) == 30
    assert len(embedder.tokenise("word")) == 3


def test_special_tokens_spelled_in_a_text_are_only_text(embedder: Embedder) -> None:
    assert embedder.count_tokens("[SEP]") > 1


def test_it_knows_which_file_it_is(embedder: Embedder, path: Path) -> None:
    assert embedder.sha256 == sha256_of_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"none\.gguf"):
        Embedder(tmp_path / "none.gguf")


def test_what_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_text("no model")
    with pytest.raises(UsageError, match="not a GGUF file"):
        Embedder(path)
