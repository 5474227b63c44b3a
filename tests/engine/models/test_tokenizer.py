"""The one tokenizer, and the BOS that stands once in front of a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from engine.models.builtin import builtin_directory
from engine.models.tokenizer import encode, encode_prompt, leading_ids, load_tokenizer
from store.errors import UsageError

FILE = builtin_directory("tiny") / "tokenizer.json"
BOS, EOS = "<|im_start|>", "<|im_end|>"


@pytest.fixture
def plain() -> Tokenizer:
    return load_tokenizer(FILE)


@pytest.fixture
def framed(plain: Tokenizer) -> Tokenizer:
    """The same, with a post-processor that puts BOS before and EOS after every text, as many models have."""
    ids = [(token, plain.token_to_id(token)) for token in (BOS, EOS)]
    plain.post_processor = TemplateProcessing(single=f"{BOS} $A {EOS}", special_tokens=ids)
    return plain


def test_special_tokens_spelled_in_a_text_become_their_ids(plain: Tokenizer) -> None:
    ids = encode(plain, f"{BOS}user\nhello{EOS}")

    assert (ids[0], ids[-1]) == (plain.token_to_id(BOS), plain.token_to_id(EOS))
    assert plain.decode(ids, skip_special_tokens=False) == f"{BOS}user\nhello{EOS}"


def test_encoding_adds_no_special_token_of_its_own(framed: Tokenizer) -> None:
    assert encode(framed, "hello") == framed.encode("hello", add_special_tokens=False).ids


def test_a_prompt_gets_the_bos_of_the_tokenizer_once_and_no_eos(framed: Tokenizer) -> None:
    assert encode_prompt(framed, "hello", BOS) == [framed.token_to_id(BOS), *encode(framed, "hello")]


def test_a_prompt_whose_template_wrote_the_bos_gets_no_second(framed: Tokenizer) -> None:
    ids = encode_prompt(framed, f"{BOS}hello", BOS)

    assert ids == encode(framed, f"{BOS}hello")
    assert [id == framed.token_to_id(BOS) for id in ids].count(True) == 1


def test_a_tokenizer_without_bos_puts_nothing_in_front(plain: Tokenizer) -> None:
    assert leading_ids(plain) == []
    assert encode_prompt(plain, "hello", "") == encode(plain, "hello")


def test_truncation_and_padding_of_the_file_are_off(plain: Tokenizer, tmp_path: Path) -> None:
    plain.enable_truncation(2)
    plain.enable_padding(length=400)
    plain.save(str(tmp_path / "tokenizer.json"))

    text = "a long text of many words " * 5

    assert len(encode(plain, text)) == 400
    assert encode(load_tokenizer(tmp_path / "tokenizer.json"), text) == encode(load_tokenizer(FILE), text)


@pytest.mark.parametrize("content", ["", "{", '{"model": {}}', "<html>"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)

    with pytest.raises(UsageError, match=r"The tokenizer is damaged: .*tokenizer\.json"):
        load_tokenizer(path)
