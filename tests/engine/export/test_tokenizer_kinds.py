"""Tokenizers of every kind, trained here: llama.cpp gives their ids, but for what is beyond it."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from engine.export.convert import to_gguf
from engine.export.hard_texts import HARD_TEXTS, typed_specials
from engine.export.trial import vocabulary_file
from engine.export.vocabulary import Vocabulary, merges_of, read_raw, read_vocabulary
from engine.inference.llama import Model
from engine.models.tokenizer import encode, encode_prompt, load_tokenizer
from tests.engine.export.test_vocabulary import random_model
from tests.engine.export.tokenizer_kinds import KINDS, byte_level, save, split

ORDINARY = [text for text in HARD_TEXTS if text.strip() and text.isprintable() and "  " not in text]
BYTE_LEVEL = {
    "gpt-2": "gpt-2",
    "starcoder": "smollm",
    "falcon": "falcon",
    "deepseek-coder": "deepseek-coder",
    "llama3": "dbrx",
    "llama3-whole-words": "llama-bpe",
    "qwen2": "qwen2",
    "qwen2-reworded": "qwen2",
    "qwen2-whole-words": "qwen2",
    "gpt-4o": "granite-embed-multi-97m",
    "deepseek-v3": "deepseek-v3",
    "added-tokens": "gpt-2",
}
"""Kind -> llama.cpp's name that gives its ids."""


def written(folder: Path) -> tuple[Vocabulary, Path]:
    """A tokenizer as GGUF keeps it, and a file of it."""
    raw = read_raw(folder / "tokenizer.json")
    found = read_vocabulary(folder, load_tokenizer(folder / "tokenizer.json").get_vocab_size() + 3)
    assert found is not None
    file = folder / "vocabulary.gguf"
    file.write_bytes(vocabulary_file(found, merges_of(raw)))
    return found, file


def wrong(file: Path, tokenizer: Tokenizer) -> list[str]:
    """Hard texts and typed special tokens that have other ids by llama.cpp."""
    added = tokenizer.get_added_tokens_decoder().values()
    model = Model(file, vocabulary_only=True)
    try:
        texts = [*HARD_TEXTS, *typed_specials(token.content for token in added)]
        return [text for text in texts if model.tokenise(text) != encode(tokenizer, text)]
    finally:
        model.close()


@pytest.mark.parametrize("kind", BYTE_LEVEL)
def test_a_byte_level_vocabulary_trained_from_scratch_has_its_ids(kind: str, tmp_path: Path) -> None:
    folder = save(kind, tmp_path / kind)
    found, file = written(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    assert found.pre == BYTE_LEVEL[kind]
    differing = wrong(file, tokenizer)
    if tokenizer.normalizer is None:
        assert differing == []
    else:  # llama.cpp does not compose letters and marks
        assert not any(unicodedata.is_normalized("NFC", text) for text in differing)


@pytest.mark.parametrize("kind", ["gemma", "llama2"])
def test_a_sentencepiece_kind_trained_from_scratch_has_its_ids(kind: str, tmp_path: Path) -> None:
    folder = save(kind, tmp_path / kind)
    _, file = written(folder)
    assert wrong(file, load_tokenizer(folder / "tokenizer.json")) == []


def test_where_scores_cannot_order_the_merges_they_are_written_themselves(tmp_path: Path) -> None:
    folder = save("gemma", tmp_path / "gemma")
    raw = read_raw(folder / "tokenizer.json")
    raw["model"]["merges"] = raw["model"]["merges"][
        ::2
    ]  # tokens whose halves join by another merge or by none
    (folder / "tokenizer.json").write_text(json.dumps(raw), encoding="utf-8")
    found, file = written(folder)
    assert (found.model, found.pre) == ("gpt2", "sarvam-moe")
    # it splits at line ends, where a merge may have learned to go across
    assert all("\n" in text for text in wrong(file, load_tokenizer(folder / "tokenizer.json")))


@pytest.mark.parametrize("kind", ["unigram", "word-piece"])
def test_other_kinds_have_the_ids_of_ordinary_text(kind: str, tmp_path: Path) -> None:
    folder = save(kind, tmp_path / kind)
    _, file = written(folder)
    differing = set(wrong(file, load_tokenizer(folder / "tokenizer.json"))) & set(ORDINARY)
    assert len(differing) <= 0.1 * len(ORDINARY)


@pytest.mark.parametrize("kind", ["unigram", "bos", "added-tokens"])
def test_the_converter_writes_what_was_tried(kind: str, tmp_path: Path) -> None:
    size = KINDS[kind]().get_vocab_size()
    folder = random_model(tmp_path / "model", size, "llama")
    save(kind, folder)
    _, tried = written(folder)
    model = Model(to_gguf(folder, tmp_path / "m.gguf", "f32"), vocabulary_only=True)
    other = Model(tried, vocabulary_only=True)
    assert [model.tokenise(text) for text in HARD_TEXTS] == [other.tokenise(text) for text in HARD_TEXTS]
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    assert model.encode_prompt("Hi") == encode_prompt(tokenizer, "Hi", "")
    model.close()
    other.close()


def test_a_way_of_splitting_that_llama_cpp_lacks_is_left_to_the_stock_converter(tmp_path: Path) -> None:
    tokenizer = byte_level(split(r"[^aeiou]+[aeiou]*|[aeiou]+"), own_pattern=False)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert read_vocabulary(tmp_path, tokenizer.get_vocab_size()) is None


def test_ids_beyond_the_embeddings_rows_are_left_out(tmp_path: Path) -> None:
    folder = save("gpt-2", tmp_path / "gpt-2")
    found = read_vocabulary(folder, 300)
    assert found is not None
    assert len(found.tokens) == 300
