"""What tokens say, for tokenizers that know bytes, that write spaces, and that change what they read."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from engine.models.builtin import builtin_directory
from engine.models.token_texts import TokenTexts, byte_alphabet
from engine.models.tokenizer import encode, load_tokenizer
from tests.families import Kind, family_base

TEXTS = ["Hi", " Hi", "a  b\n\n c", "naïve café 🙂 日本", "\t\r\n", "x<|im_end|>y", "\u00a0"]


def of(tokenizer: Tokenizer, text: str) -> list[str]:
    return TokenTexts(tokenizer).split(encode(tokenizer, text), text)


@pytest.fixture(scope="module")
def tiny() -> Tokenizer:
    return load_tokenizer(builtin_directory("tiny") / "tokenizer.json")


def test_the_byte_alphabet_is_that_of_the_tokenizers_library() -> None:
    assert sorted(byte_alphabet()) == sorted(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_alphabet().values()) == list(range(256))


@pytest.mark.parametrize("text", TEXTS)
def test_joined_they_are_the_text(tiny: Tokenizer, text: str) -> None:
    assert "".join(of(tiny, text)) == text


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
def test_joined_they_are_the_text_where_spaces_are_written_first(
    tmp_path: Path, kind: Kind, text: str
) -> None:
    tokenizer = load_tokenizer(family_base(tmp_path / "m", "qwen2_5", kind).tokenizer_file)
    assert "".join(of(tokenizer, text)) == text


def test_a_tokenizer_that_composes_letters_is_read_as_it_reads(tiny: Tokenizer) -> None:
    raw = json.loads(tiny.to_str()) | {"normalizer": {"type": "NFC"}}
    assert "".join(of(Tokenizer.from_str(json.dumps(raw)), "cafe\u0301")) == "caf\u00e9"


def test_where_letters_are_changed_the_text_itself_is_shown_at_the_same_places() -> None:
    words = models.WordLevel({"hello": 0, "world": 1, "?": 2}, unk_token="?")
    tokenizer = Tokenizer(words)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert of(tokenizer, "Hello WORLD again") == ["Hello", " WORLD", " again"]
    texts = TokenTexts(tokenizer)
    assert texts.says(encode(tokenizer, "hello world"), "hello world")
    assert not texts.says(encode(tokenizer, "again"), "again")


def test_ids_that_say_another_thing_are_told_apart(tiny: Tokenizer) -> None:
    texts = TokenTexts(tiny)
    assert texts.says(encode(tiny, "Hello there"), "Hello there")
    assert not texts.says(encode(tiny, "Hello there"), "Hello where")
    assert not texts.says(encode(tiny, "Hello there"), "Hello there!")


def test_a_character_that_comes_again_stands_on_the_last_of_its_tokens_each_time(tiny: Tokenizer) -> None:
    text = "日本日🙂🙂é日"
    ids = encode(tiny, text)
    decode = codecs.getincrementaldecoder("utf-8")().decode
    texts = TokenTexts(tiny)
    expected = [decode(texts._pieces([token])[0]) for token in ids]
    assert "" in expected
    assert texts.split(ids, text) == expected


def test_a_piece_with_a_letter_that_no_byte_is_written_as_says_that_letter() -> None:
    tokenizer = Tokenizer(models.WordLevel({"日Ġa": 0}, unk_token="日Ġa"))
    tokenizer.decoder = decoders.ByteLevel()
    assert TokenTexts(tokenizer).spelled([0]) == "日 a"
