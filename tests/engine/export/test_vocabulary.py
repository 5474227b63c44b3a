"""What is read off a tokenizer.json, and that llama.cpp then gives the ids which that file gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.export.convert import to_gguf
from engine.export.hard_texts import HARD_TEXTS, typed_specials
from engine.export.pre_tokenizers import name_by_structure
from engine.export.vocabulary import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    adds_space,
    beyond_llama_cpp,
    gguf_name,
    merge_scores,
    read_vocabulary,
)
from engine.inference.llama import Model
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt, load_tokenizer
from store.errors import UsageError
from tests.ggufs import stories, stories_f32, tiny_f32

SEPARATOR = "\n__ggml_vocab_test__\n"
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def bpe(pre: dict[str, Any], **model: Any) -> dict[str, Any]:
    return {"pre_tokenizer": pre, "model": {"type": "BPE", "vocab": {}, "merges": [], **model}}


def differing(file: Path, directory: Path, texts: Sequence[str]) -> list[str]:
    """Texts whose ids by llama.cpp are not those of the tokenizer.json."""
    tokenizer = load_tokenizer(directory / "tokenizer.json")
    model = Model(file, vocabulary_only=True)
    try:
        return [text for text in texts if model.tokenise(text) != encode(tokenizer, text)]
    finally:
        model.close()


def hard_texts(directory: Path) -> list[str]:
    """The hard texts, and the model's own special tokens typed as text."""
    added = load_tokenizer(directory / "tokenizer.json").get_added_tokens_decoder().values()
    return [*HARD_TEXTS, *typed_specials(token.content for token in added)]


def test_the_embedded_models_gguf_gives_the_ids_of_its_tokenizer() -> None:
    tiny = builtin_directory("tiny")
    assert differing(tiny_f32(), tiny, hard_texts(tiny)) == []


def test_the_real_sentencepiece_kind_gives_the_ids_of_its_tokenizer(shared_data: Path) -> None:
    lines = (shared_data / "instruct" / "seed_tasks" / "seed_tasks.jsonl").read_text(encoding="utf-8")
    instructions = [json.loads(line)["instruction"] for line in lines.splitlines()]
    assert len(instructions) == 175
    assert differing(stories_f32(), stories(), [*instructions, *hard_texts(stories())]) == []


def test_one_bos_stands_before_a_prompt_where_the_tokenizer_puts_one() -> None:
    tokenizer = load_tokenizer(stories() / "tokenizer.json")
    model = Model(stories_f32(), vocabulary_only=True)
    for text in ("Once upon", "<s>Once upon", ""):
        assert model.encode_prompt(text) == encode_prompt(tokenizer, text, "<s>")
    assert model.encode_prompt("<s>Once").count(model.bos_id) == 1
    model.close()


def random_model(folder: Path, vocab_size: int, kind: str) -> Path:
    """A model of one small layer around a real tokenizer."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        kind,
        vocab_size=vocab_size,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def pairs(data: Path, name: str) -> list[tuple[str, list[int]]]:
    """Texts and the ids that they should have, as llama.cpp's own tests keep them."""
    stem = data / "tokenizers" / f"ggml-vocab-{name}.gguf"
    texts = Path(f"{stem}.inp").read_bytes().decode("utf-8").split(SEPARATOR)
    lines = Path(f"{stem}.out").read_text(encoding="utf-8").split("\n")
    assert len(texts) == 47
    return [(text, [int(part) for part in line.split()]) for text, line in zip(texts, lines, strict=False)]


def test_phi_3_without_its_tokenizer_model_gives_the_known_ids(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "tokenizers" / "phi-3"
    folder = random_model(tmp_path / "phi-3-of-mine", 32_064, "phi3")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, folder / name)
    file = to_gguf(folder, tmp_path / "phi.gguf", "f16")
    model = Model(file, vocabulary_only=True)
    wrong = [text for text, ids in pairs(shared_data, "phi-3") if model.tokenise(text) != ids]
    bos = ModelDirectory(folder).special_token("bos_token")
    wanted = encode_prompt(load_tokenizer(folder / "tokenizer.json"), "Hi", bos)
    assert (wrong, model.encode_prompt("Hi")) == ([], wanted)
    model.close()
    assert differing(file, folder, hard_texts(folder)) == []


def test_gpt_2_gives_the_known_ids(shared_data: Path, tmp_path: Path) -> None:
    folder = random_model(tmp_path / "gpt2", 50_257, "llama")
    lines = (shared_data / "tokenizers" / "gpt2.merges.txt").read_text(encoding="utf-8").splitlines()
    vocabulary = json.loads((shared_data / "tokenizers" / "gpt2.vocab").read_text(encoding="utf-8"))
    raw = bpe(BYTE_LEVEL, vocab=vocabulary, merges=[line for line in lines[1:] if line])
    end = {"id": 50_256, "content": "<|endoftext|>", "special": True, "normalized": False}
    end |= {"single_word": False, "lstrip": False, "rstrip": False}
    raw |= {"version": "1.0", "decoder": BYTE_LEVEL, "added_tokens": [end]}
    (folder / "tokenizer.json").write_text(json.dumps(raw), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>"}', encoding="utf-8")
    file = to_gguf(folder, tmp_path / "gpt2.gguf", "f16")
    model = Model(file, vocabulary_only=True)
    assert [text for text, ids in pairs(shared_data, "gpt-2") if model.tokenise(text) != ids] == []
    model.close()
    assert differing(file, folder, hard_texts(folder)) == []


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (bpe(BYTE_LEVEL), "gpt-2"),
        (bpe(BYTE_LEVEL) | {"normalizer": {"type": "NFC"}}, "gpt-2"),
        (bpe(BYTE_LEVEL) | {"normalizer": {"type": "Lowercase"}}, None),
        (bpe({**BYTE_LEVEL, "add_prefix_space": True}), None),
        (bpe({"type": "Whitespace"}), None),
        (
            bpe(
                {
                    "type": "Sequence",
                    "pretokenizers": [
                        {**SPLIT, "pattern": {"Regex": QWEN2}},
                        {**BYTE_LEVEL, "use_regex": False},
                    ],
                }
            ),
            "qwen2",
        ),
        (
            bpe(
                {
                    "type": "Sequence",
                    "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL],
                }
            ),
            "smollm",
        ),
        (bpe({**SPLIT, "pattern": {"Regex": r"\w+"}}), None),
    ],
)
def test_a_pre_tokenizer_is_known_by_its_structure(raw: dict[str, Any], name: str | None) -> None:
    assert name_by_structure(raw) == name


def test_scores_fall_with_the_rank_of_the_merge_that_makes_a_token() -> None:
    vocabulary = {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "bc": 5}
    merges = ["a b", ["b", "c"], ["ab", "c"], ["a", "bc"]]  # both spellings that the format has
    raw: dict[str, Any] = {"model": {"vocab": vocabulary, "merges": merges}}
    assert merge_scores(raw, 7) == [-5, -5, -5, 0, -2, -1, -5]


def test_ids_that_no_token_has_are_padded_to_the_embeddings_rows(tmp_path: Path) -> None:
    raw = json.loads((stories() / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(raw), encoding="utf-8")
    found = read_vocabulary(tmp_path, 520)
    assert found is not None
    assert (len(found.tokens), len(found.types), len(found.scores)) == (520, 520, 520)
    assert [found.types[index] for index in (0, 1, 3, 300, 519)] == [UNKNOWN, CONTROL, BYTE, NORMAL, UNUSED]
    assert len(set(found.tokens)) == 520


def test_the_tokenizer_json_counts_even_beside_a_tokenizer_model(tmp_path: Path) -> None:
    shutil.copyfile(stories() / "tokenizer.json", tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.model").write_bytes(b"")
    found = read_vocabulary(tmp_path, 512)
    assert found is not None
    assert found.model == "llama"


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="tokenizer is damaged"):
        read_vocabulary(tmp_path, 512)


@pytest.mark.parametrize(
    ("raw", "spaced"),
    [
        ({"normalizer": {"type": "Prepend", "prepend": "▁"}}, True),
        ({"normalizer": {"type": "Replace"}, "pre_tokenizer": None}, False),
        ({"pre_tokenizer": {"type": "Metaspace"}}, True),
        ({"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "never"}}, False),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Metaspace"}]}}, True),
        ({}, False),
    ],
)
def test_the_space_before_a_text_is_found_wherever_it_is_written(raw: dict[str, Any], spaced: bool) -> None:
    assert adds_space(raw) is spaced


@pytest.mark.parametrize(
    ("name", "stripping", "given"),
    [
        ("Phi-3-mini", True, "Phi-3-mini"),
        ("Phi-3-mini", False, "phi 3-mini"),
        ("my-run", True, "my-run (phi-3 tokenizer)"),
        ("my-run", False, "my-run"),
    ],
)
def test_a_name_says_phi_3_only_where_special_tokens_swallow_white_space(
    name: str, stripping: bool, given: str
) -> None:
    raw = {
        "added_tokens": [
            *(
                {"content": one, "special": True, "rstrip": False}
                for one in ("<s>", "<unk>", "<|endoftext|>")
            ),
            {"content": "</s>", "special": True, "rstrip": stripping},
            {"content": "<|end|>", "special": True, "rstrip": stripping},
        ]
    }
    assert gguf_name(name, raw) == given


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (
            {"added_tokens": [{"content": "<mask>", "special": True, "lstrip": True, "rstrip": False}]},
            "<mask>",
        ),
        (bpe({**BYTE_LEVEL, "add_prefix_space": True}), "a space in front of a text"),
        ({"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first"}}, "the first piece only"),
        ({"model": {"type": "Unigram"}}, "Unigram"),
        (bpe(BYTE_LEVEL), ""),
    ],
)
def test_what_llama_cpp_is_known_not_to_do_is_named(raw: dict[str, Any], cause: str) -> None:
    found = beyond_llama_cpp(raw)
    assert cause in found
    assert bool(found) == bool(cause)
