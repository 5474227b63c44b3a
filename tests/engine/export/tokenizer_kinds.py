"""Small tokenizers of every kind that models come with, trained here on the hard texts.

Trained from scratch on purpose: no stock converter knows their hashes, and what is learned from so little
text has merges in every order.
"""

# ruff: noqa: RUF001  # DeepSeek's pattern has letters that look like others

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from engine.export.hard_texts import HARD_TEXTS

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
)
PATTERNS = {
    "llama3": [CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + TAIL],
    "qwen2": [CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + TAIL],
    # the same, written otherwise: only what it does is known
    "qwen2-reworded": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + TAIL],
    "gpt-4o": [CASED + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "deepseek-v3": [
        r"\p{N}{1,3}",
        "[一-龥぀-ゟ゠-ヿ]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
        "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    ],
}
"""Split patterns, isolated one after the other, before ByteLevel without its own."""

Kind = Callable[[], Tokenizer]


def corpus() -> list[str]:
    """The hard texts, and in lower case."""
    return [*HARD_TEXTS, *map(str.lower, HARD_TEXTS)]


def split(*patterns: str) -> list[Any]:
    """Steps that give every match of a pattern as a piece."""
    return [pre_tokenizers.Split(Regex(one), "isolated") for one in patterns]


def byte_level(steps: list[Any], *, own_pattern: bool = True, ignore_merges: bool = False) -> Tokenizer:
    """BPE on bytes behind these steps."""
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=own_pattern)
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps, last])
    tokenizer.decoder = decoders.ByteLevel()
    return trained(tokenizer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def trained(tokenizer: Tokenizer, **options: Any) -> Tokenizer:
    """The tokenizer, after BPE has learned some hundred tokens."""
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<|end|>"], show_progress=False, **options)
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def falcon() -> Tokenizer:
    """Punctuation in runs, GPT-2's pattern, digits in runs and of those three at a time."""
    digits = pre_tokenizers.Digits(individual_digits=False)
    before = [pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*before, digits, *split("[0-9][0-9][0-9]")])
    tokenizer.decoder = decoders.ByteLevel()
    return trained(tokenizer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def deepseek_coder() -> Tokenizer:
    """Line ends, words, punctuation, Chinese, digits."""
    steps = split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+")
    return byte_level([*steps, pre_tokenizers.Digits(individual_digits=True)], own_pattern=False)


def with_added_tokens() -> Tokenizer:
    """GPT-2's kind with tokens that were added: plain words, runs of spaces, special ones."""
    tokenizer = byte_level([])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("wallet", "    ", "<think>")])
    tokenizer.add_tokens([AddedToken("passphrase", normalized=True)])
    tokenizer.add_special_tokens([AddedToken("<|tool|>", normalized=False)])
    return tokenizer


def with_bos() -> Tokenizer:
    """GPT-2's kind whose post-processor puts a token in front."""
    tokenizer = byte_level([])
    tokenizer.add_special_tokens(["<|begin|>"])
    parts = [("<|begin|>", tokenizer.token_to_id("<|begin|>"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=parts)
    return tokenizer


def sentencepiece(before: str, byte_fallback: bool = True) -> Tokenizer:
    """BPE on letters. `before`: how spaces are written, `replace` as Gemma, `prepend` as Llama 2."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    steps: list[Any] = [normalizers.Replace(" ", "▁")]
    if before == "prepend":
        steps.insert(0, normalizers.Prepend("▁"))
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=pieces, show_progress=False)
    tokenizer.train_from_iterator(corpus()[::2], trainer)  # half of it: the rest has unknown letters
    whole = json.loads(tokenizer.to_str())
    whole["model"] |= {"byte_fallback": byte_fallback, "fuse_unk": True}
    whole["pre_tokenizer"] = None
    whole["added_tokens"] = whole["added_tokens"][:3]
    return Tokenizer.from_str(json.dumps(whole))


def unigram() -> Tokenizer:
    """Unigram as T5 has it: split at white space, a space in front of every word."""
    tokenizer = Tokenizer(models.Unigram())
    splits = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits)
    tokenizer.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=600, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(corpus()[::2], trainer)
    return tokenizer


def word_piece() -> Tokenizer:
    """BERT's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=1000))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=800, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def normalised(kind: Kind) -> Tokenizer:
    """A kind that composes letters and marks first."""
    tokenizer = kind()
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


KINDS: dict[str, Kind] = {
    "gpt-2": lambda: byte_level([]),
    "starcoder": lambda: byte_level([pre_tokenizers.Digits(individual_digits=True)]),
    "falcon": falcon,
    "deepseek-coder": deepseek_coder,
    "llama3": lambda: byte_level(split(*PATTERNS["llama3"]), own_pattern=False),
    "llama3-whole-words": lambda: byte_level(
        split(*PATTERNS["llama3"]), own_pattern=False, ignore_merges=True
    ),
    "qwen2": lambda: normalised(lambda: byte_level(split(*PATTERNS["qwen2"]), own_pattern=False)),
    "qwen2-reworded": lambda: byte_level(split(*PATTERNS["qwen2-reworded"]), own_pattern=False),
    "qwen2-whole-words": lambda: byte_level(split(*PATTERNS["qwen2"]), own_pattern=False, ignore_merges=True),
    "gpt-4o": lambda: byte_level(split(*PATTERNS["gpt-4o"]), own_pattern=False),
    "deepseek-v3": lambda: byte_level(split(*PATTERNS["deepseek-v3"]), own_pattern=False),
    "added-tokens": with_added_tokens,
    "bos": with_bos,
    "gemma": lambda: sentencepiece("replace"),
    "llama2": lambda: sentencepiece("prepend"),
    "unigram": unigram,
    "word-piece": word_piece,
}


def save(kind: str, folder: Path) -> Path:
    """The tokenizer's files in a folder of their own, beside settings that say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    KINDS[kind]().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return folder
