"""Which prefixes an embedder wants, and warnings where documents do not suit it."""

from __future__ import annotations

import pytest

from engine.retrieval.fitness import language_warning, languages_of, length_warning
from engine.retrieval.prefixes import Prefixes, known_prefixes
from store.records.knowledge import DocumentRecord

ENGLISH = "The wallet keeps your keys on this device, and nobody else can move what belongs to you. " * 2
GERMAN = "Die Brieftasche bewahrt deine Schluessel auf diesem Geraet, und niemand sonst kann sie nutzen. " * 2


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [
        ("all-minilm-l6-v2", Prefixes()),
        ("Multilingual E5 Small", Prefixes("query: ", "passage: ")),
        ("nomic-embed-text-v1.5", Prefixes("search_query: ", "search_document: ")),
        ("bge-m3", Prefixes()),
        ("BGE Small EN v1.5", Prefixes("Represent this sentence for searching relevant passages: ")),
    ],
)
def test_known_models_get_the_prefixes_of_their_authors(name: str, prefixes: Prefixes) -> None:
    assert known_prefixes("", name) == prefixes


def documents(*texts: str) -> list[DocumentRecord]:
    return [DocumentRecord(f"{at}.md", text) for at, text in enumerate(texts)]


def test_languages_are_told_apart_and_short_texts_are_not_judged() -> None:
    assert languages_of([ENGLISH, GERMAN, "Ja."]) == ["en", "de", ""]


def test_many_documents_in_another_language_are_warned_of() -> None:
    warned = language_warning(documents(ENGLISH, ENGLISH, GERMAN), english_only=True)
    assert warned is not None
    assert "1 of 3 documents" in warned.text
    assert "(de 1)" in warned.text
    assert "temper kb ingest --embedder FILE" in warned.text


def test_few_of_them_or_another_embedder_are_no_matter() -> None:
    assert language_warning(documents(*[ENGLISH] * 20, GERMAN), english_only=True) is None
    assert language_warning(documents(GERMAN), english_only=False) is None
    assert language_warning([], english_only=True) is None


def test_passages_longer_than_the_default_embedder_was_trained_on_are_warned_of() -> None:
    warned = length_warning(400, english_only=True)
    assert warned is not None
    assert "Set chunk_tokens = 256 or less" in warned.text
    assert length_warning(256, english_only=True) is None
    assert length_warning(400, english_only=False) is None
