"""Loading, tokenising and the memory of a context, on the embedded base and on real pretrained weights."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from engine.inference.llama import Context, Model, common_prefix, context_size, threads
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode_prompt, load_tokenizer
from store.errors import MissingError, UsageError
from tests.ggufs import TINY, tiny_f32
from tests.ggufs import stories as stories_directory

TEXTS = [
    "Once upon a time",
    "  two spaces, a\ttab and\n\n two newlines ",
    "naïve café: 你好, мир! 🙂🙃",
    "1234567 and 3.14159",
    "",
    "\x00 zero",
]


@pytest.mark.parametrize("text", [*TEXTS, "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"])
def test_the_embedded_base_tokenises_as_its_tokenizer_json(tiny: Model, text: str) -> None:
    directory = ModelDirectory(TINY)
    tokenizer = load_tokenizer(directory.tokenizer_file)
    assert tiny.encode_prompt(text) == encode_prompt(tokenizer, text, directory.special_token("bos_token"))


@pytest.mark.parametrize("text", [text for text in TEXTS if text])
def test_the_real_model_tokenises_with_bos_as_its_tokenizer_json(stories: Model, text: str) -> None:
    tokenizer = load_tokenizer(stories_directory() / "tokenizer.json")
    ids = stories.encode_prompt(text)
    assert ids == encode_prompt(tokenizer, text, "<s>")
    assert ids[0] == stories.bos_id


def test_a_prompt_that_spells_bos_gets_no_second_one(stories: Model) -> None:
    assert stories.encode_prompt("<s>Once").count(stories.bos_id) == 1


def test_pieces_join_to_the_text(tiny: Model) -> None:
    text = "naïve café 🙂"
    assert b"".join(tiny.piece(token) for token in tiny.tokenise(text)).decode() == text


def test_control_tokens_have_no_text(tiny: Model) -> None:
    assert {tiny.piece(token) for token in tiny.stop_ids} == {b""}


def test_the_file_tells_its_chat_template_and_ends(tiny: Model) -> None:
    assert tiny.chat_template == ModelDirectory(TINY).chat_template
    assert {tiny.token_text(token) for token in tiny.stop_ids} >= {"<|im_end|>"}
    assert tiny.eos_text == ModelDirectory(TINY).special_token("eos_token")


def test_what_is_read_again_is_reused_but_for_the_last_token(context: Context, tiny: Model) -> None:
    ids = tiny.encode_prompt("The wallet was lost, and nobody knew where it had been put.")
    assert context.read(ids) == 0
    assert context.read(ids) == len(ids) - 1
    assert context.tokens == ids


def test_a_conversation_that_goes_on_reads_only_what_is_new(context: Context, tiny: Model) -> None:
    first = tiny.encode_prompt("The wallet was lost.")
    longer = [*first, *tiny.tokenise(" It was found again.")]
    context.read(first)
    assert context.read(longer) == len(first)


def test_a_kept_prefix_gives_the_logits_of_a_fresh_start(context: Context, tiny: Model) -> None:
    ids = tiny.encode_prompt("The wallet was lost, and then it was found.")
    context.read(ids)
    fresh = context.logits.copy()
    context.read([*ids[:4], *tiny.tokenise("something else")])
    context.read(ids)
    np.testing.assert_allclose(context.logits, fresh, atol=1e-4)


def test_a_long_prompt_can_be_interrupted_and_taken_up_again(tiny: Model) -> None:
    context = Context(tiny, 2048)
    try:
        ids = [*range(10, 110)] * 9  # more than one batch
        context.read(ids, stopped=lambda: True)
        begun = len(context.tokens)
        assert 0 < begun < len(ids)
        assert context.read(ids) == begun
    finally:
        context.close()


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(context: Context) -> None:
    with pytest.raises(UsageError, match=r"300 tokens.*256"):
        context.read([5] * 300)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"PK\x03\x04 something")
    with pytest.raises(UsageError, match="not a GGUF"):
        Model(path)


def test_a_torn_gguf_is_called_damaged_with_llamas_reason(tmp_path: Path) -> None:
    whole = tiny_f32().read_bytes()
    path = tmp_path / "model.gguf"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"damaged.*not within the file bounds"):
        Model(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        Model(tmp_path / "model.gguf")


def test_llama_cpp_talks_to_the_log_and_not_to_the_terminal(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="temper.llama"):
        Model(tiny_f32()).close()
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert any("general.architecture" in record.message for record in caplog.records)


def test_a_context_is_as_long_as_the_model_unless_less_is_needed(tiny: Model) -> None:
    assert context_size(tiny) == tiny.context_length
    assert context_size(tiny, needed=100) == 100
    assert context_size(tiny, cap=300) == 300


def test_a_small_model_runs_on_one_thread() -> None:
    assert threads(1_000_000) == 1
    assert threads(10**9) >= 1


def test_common_prefix_counts_equal_beginnings() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common_prefix([1, 2], [1, 2, 3]) == 2
    assert common_prefix([], [1]) == 0
