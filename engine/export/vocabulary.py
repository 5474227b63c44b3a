"""How GGUF must hold a tokenizer.json so that llama.cpp gives the same ids.

llama.cpp knows two kinds that matter here. `gpt2`: byte-level BPE, merges in order, text first split by a
pre-tokenizer that has a name. `llama`: SentencePiece-like, no merges; neighbours join in the order of the
joined token's score. The stock converter names pre-tokenizers by the hash of one encoded text, which fails
for every new vocabulary, and writes the same score for every token where only a tokenizer.json exists,
which joins in the wrong order. Here both are read off the structure of the file. Whether the result is
right is not believed but proven on text (engine.export.ship_check).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from store.errors import UsageError

TokenType = Literal[1, 2, 3, 4, 5, 6]  # llama.h: normal, unknown, control, user-defined, unused, byte
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

# The split patterns of byte-level BPE families -> llama.cpp's name for each. Where a tokenizer takes whole
# words from the vocabulary before merging (`ignore_merges`), llama.cpp must do so for the name too.
_GPT2 = "(ByteLevel)"
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LLAMA3 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + _TAIL
_QWEN2 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + _TAIL
_QWEN35 = (
    _CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PRE_TOKENIZERS: dict[tuple[tuple[str, ...], bool], str] = {
    ((_GPT2,), False): "gpt-2",
    (("(Digits)", _GPT2), False): "smollm",
    ((_LLAMA3,), True): "llama-bpe",
    ((_LLAMA3,), False): "dbrx",
    ((_QWEN2,), False): "qwen2",
    ((_QWEN35,), False): "qwen35",
}

_PHI3 = re.compile("phi-?3", re.IGNORECASE)
_PHI3_KEEPS = {"<unk>", "<s>", "<|endoftext|>"}


class Vocabulary(msgspec.Struct):
    """A tokenizer as GGUF keeps it. `tokens`, `types` and `scores` are indexed by id."""

    model: Literal["gpt2", "llama"]
    pre: str
    tokens: list[str]
    types: list[int]
    scores: list[float] = []
    add_space_prefix: bool | None = None


def read_vocabulary(directory: Path, size: int) -> Vocabulary | None:
    """The vocabulary of a model directory, padded to `size` ids (the embedding's rows).

    None where the stock converter does as well or better: a `tokenizer.model` is present, or the structure is
    one that is not known here.
    """
    if (directory / "tokenizer.model").is_file():
        return None
    raw = read_raw(directory / "tokenizer.json")
    model = raw.get("model", {})
    if model.get("type") != "BPE":
        return None
    if model.get("byte_fallback"):
        return _sentencepiece_kind(raw, size)
    pre = pre_tokenizer_name(raw)
    if pre is None:
        return None
    tokens, types = _tokens(raw, size)
    return Vocabulary("gpt2", pre, tokens, types)


def gguf_name(name: str, raw: dict[str, Any]) -> str:
    """`name`, changed where llama.cpp would read the wrong thing into it.

    For a model whose name has phi-3 or phi3 in it llama.cpp drops the white space behind special tokens, and
    only then. Whether it should stands in the tokenizer.json (`rstrip`); of Phi-3 both kinds exist.
    """
    specials = [token for token in raw.get("added_tokens", []) if token.get("special")]
    strips = {token["content"] for token in specials if token["rstrip"]}
    named = {token["content"] for token in specials} - _PHI3_KEEPS
    if strips and strips == named:
        return name if _PHI3.search(name) else f"{name} (phi-3 tokenizer)"
    return _PHI3.sub("phi 3", name)


def pre_tokenizer_name(raw: dict[str, Any]) -> str | None:
    """llama.cpp's name for the pre-tokenizer of a byte-level tokenizer.json; None when it is unknown here."""
    if raw.get("normalizer") not in (None, {"type": "NFC"}):
        return None
    parts = raw.get("pre_tokenizer") or {}
    steps = parts.get("pretokenizers", []) if parts.get("type") == "Sequence" else [parts]
    signature: list[str] = []
    for step in steps:
        match step:
            case {"type": "ByteLevel", "add_prefix_space": True}:
                return None
            case {"type": "ByteLevel", "use_regex": False}:
                continue
            case {"type": "ByteLevel"}:
                signature.append(_GPT2)
            case {"type": "Digits", "individual_digits": True}:
                signature.append("(Digits)")
            case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}:
                signature.append(pattern)
            case _:
                return None
    return _PRE_TOKENIZERS.get((tuple(signature), bool(raw["model"].get("ignore_merges"))))


def _tokens(raw: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    tokens = [f"[PAD{index}]" for index in range(size)]
    types = [UNUSED] * size
    for text, index in raw["model"]["vocab"].items():
        tokens[index], types[index] = text, NORMAL
    for added in raw.get("added_tokens", []):
        index = added["id"]
        if index < size:
            tokens[index] = added["content"]
            types[index] = CONTROL if added.get("special") else USER_DEFINED
    return tokens, types


def _sentencepiece_kind(raw: dict[str, Any], size: int) -> Vocabulary:
    tokens, types = _tokens(raw, size)
    unknown = raw["model"].get("unk_token")
    for index, text in enumerate(tokens):
        if types[index] == NORMAL and re.fullmatch(r"<0x[0-9A-Fa-f]{2}>", text):
            types[index] = BYTE
        if text == unknown:
            types[index] = UNKNOWN
    return Vocabulary("llama", "default", tokens, types, merge_scores(raw, size), adds_space(raw))


def merge_scores(raw: dict[str, Any], size: int) -> list[float]:
    """A score per id that makes llama.cpp join neighbours in the order of the merges.

    BPE takes the pair of lowest rank first, llama.cpp the pair whose joined token has the highest score: so
    the score is minus the lowest rank of a merge that makes the token. What no merge makes comes last.
    """
    vocabulary = raw["model"]["vocab"]
    merges = raw["model"]["merges"]
    scores = [-float(len(merges) + 1)] * size
    for rank in range(len(merges) - 1, -1, -1):
        pair = merges[rank]
        left, right = pair.split(" ", 1) if isinstance(pair, str) else pair
        index = vocabulary.get(left + right)
        if index is not None:
            scores[index] = -float(rank)
    return scores


def adds_space(raw: dict[str, Any]) -> bool:
    """Whether a text gets a leading space (written as U+2581) before it is split."""
    normalizer = raw.get("normalizer") or {}
    steps = normalizer.get("normalizers", [normalizer])
    if any(step.get("type") == "Prepend" for step in steps):
        return True
    pre = raw.get("pre_tokenizer") or {}
    for step in pre.get("pretokenizers", [pre]):
        if step.get("type") == "Metaspace":
            scheme = step.get("prepend_scheme", "always")
            return bool(scheme != "never" and step.get("add_prefix_space", True))
    return False


def adds_space_of(tokenizer_file: Path) -> bool:
    """`adds_space` of a tokenizer.json on disk."""
    return adds_space(read_raw(tokenizer_file))


def read_raw(tokenizer_file: Path) -> dict[str, Any]:
    """A tokenizer.json as it stands. Raises UsageError when it is damaged."""
    try:
        raw: dict[str, Any] = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(
            "The tokenizer is damaged", f"{tokenizer_file}: {error}", "Copy the model's tokenizer.json again."
        ) from error
    return raw
