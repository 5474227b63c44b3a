"""How GGUF must hold a tokenizer.json so that llama.cpp gives the same ids.

llama.cpp knows four kinds that matter here. `gpt2`: BPE with merges in order, on bytes, text first split by
a pre-tokenizer that has a name; or, by the name `sarvam-moe`, on letters with bytes to fall back on. `llama`:
SentencePiece-like, no merges; neighbours join in the order of the joined token's score. `t5`: Unigram.
`bert`: WordPiece. The stock converter names pre-tokenizers by the hash of one encoded text, which fails for
every new vocabulary, and writes the same score for every token where only a tokenizer.json exists, which
joins in the wrong order. Here all is read off the structure of the file; where that leaves several ways, they
are tried (engine.export.trial). Whether the result is right is not believed but proven (engine.export.ship).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.export.pre_tokenizers import NAMES, flat, is_byte_level, name_by_structure
from store.errors import UsageError

TokenType = Literal[1, 2, 3, 4, 5, 6]  # llama.h: normal, unknown, control, user-defined, unused, byte
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

_PHI3 = re.compile("phi-?3", re.IGNORECASE)
_PHI3_KEEPS = {"<unk>", "<s>", "<|endoftext|>"}
_PHI3_NAMED = _PHI3_KEEPS | {"</s>"}
"""Tokens that llama.cpp looks up in a model whose name says phi-3; it refuses the file where one lacks."""
PLAIN_LETTERS = "sarvam-moe"
"""llama.cpp's name for BPE on letters as they are, with U+2581 for a space and bytes to fall back on."""
WORD_PIECE = "##"
_BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")


class Vocabulary(msgspec.Struct):
    """A tokenizer as GGUF keeps it. `tokens`, `types` and `scores` are indexed by id.

    `charsmap` is a Unigram's table of normalised characters, in base64 as a tokenizer.json has it. `unknown`
    is the id of what stands for text that no token covers.
    """

    model: Literal["gpt2", "llama", "t5", "bert"]
    pre: str
    tokens: list[str]
    types: list[int]
    scores: list[float] = []
    add_space_prefix: bool | None = None
    remove_extra_whitespaces: bool | None = None
    charsmap: str = ""
    unknown: int | None = None


def read_vocabulary(directory: Path, size: int) -> Vocabulary | None:
    """The vocabulary of a model directory, padded to `size` ids (the embedding's rows).

    None where the structure is one that is not known here: it is left to the stock converter.
    """
    file = directory / "tokenizer.json"
    raw = read_raw(file)
    ways = list(ways_to_write(raw, size))
    if len(ways) < 2 and not needs_trial(raw):
        return ways[0] if ways else None
    from engine.export import trial  # imports this module

    found, wrong = trial.best(ways, file, merges_of(raw))
    return None if wrong and needs_trial(raw) else found


def ways_to_write(raw: dict[str, Any], size: int) -> Iterator[Vocabulary]:
    """The vocabularies that could give the ids of a tokenizer.json, the most likely one first."""
    model = raw.get("model", {})
    kind = model.get("type")
    tokens, types = _tokens(raw, size)
    if kind == "Unigram":
        one = _unigram(raw, tokens, types)
        yield one
        yield msgspec.structs.replace(one, remove_extra_whitespaces=not one.remove_extra_whitespaces)
    elif kind == "WordPiece" and model.get("continuing_subword_prefix") == WORD_PIECE:
        unknown = model["vocab"].get(model.get("unk_token"))
        yield Vocabulary("bert", "default", _phantom_spaces(tokens, types), types, unknown=unknown)
    elif kind == "BPE" and model.get("byte_fallback") and _has_all_bytes(tokens):
        types = _with_bytes(raw, tokens, types)
        spaced = adds_space(raw)
        yield Vocabulary("llama", "default", tokens, types, merge_scores(raw, size), spaced)
        if not spaced:
            yield Vocabulary("gpt2", PLAIN_LETTERS, tokens, types)
    elif kind == "BPE" and is_byte_level(raw):
        name = name_by_structure(raw)
        for pre in [name] if name else NAMES:
            yield Vocabulary("gpt2", pre, tokens, types)


def needs_trial(raw: dict[str, Any]) -> bool:
    """Whether nothing but a trial says how llama.cpp splits a text as this tokenizer does."""
    model = raw.get("model", {})
    plain = model.get("type") == "BPE" and not model.get("byte_fallback")
    return bool(plain and is_byte_level(raw) and name_by_structure(raw) is None)


def merges_of(raw: dict[str, Any]) -> list[str]:
    """The merges as GGUF keeps them: both parts with a space between, spaces inside by another sign."""
    merges = raw.get("model", {}).get("merges", [])
    return [
        one if isinstance(one, str) else " ".join(part.replace(" ", "\u0120") for part in one)
        for one in merges
    ]


def gguf_name(name: str, raw: dict[str, Any]) -> str:
    """`name`, changed where llama.cpp would read the wrong thing into it.

    For a model whose name has phi-3 or phi3 in it llama.cpp drops the white space behind special tokens, and
    only then. Whether it should stands in the tokenizer.json (`rstrip`); of Phi-3 both kinds exist.
    """
    specials = [token for token in raw.get("added_tokens", []) if token.get("special")]
    strips = {token["content"] for token in specials if token["rstrip"]}
    named = {token["content"] for token in specials} - _PHI3_KEEPS
    if strips and strips == named and {token["content"] for token in specials} >= _PHI3_NAMED:
        return name if _PHI3.search(name) else f"{name} (phi-3 tokenizer)"
    return _PHI3.sub("phi 3", name)


def _tokens(raw: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    tokens = [f"[PAD{index}]" for index in range(size)]
    types = [UNUSED] * size
    for text, index in _numbered(raw.get("model", {}).get("vocab", {})):
        if index < size:  # ids beyond the embedding's rows cannot be asked for
            tokens[index], types[index] = text, NORMAL
    for added in raw.get("added_tokens", []):
        index = added["id"]
        if index < size:
            tokens[index] = added["content"]
            types[index] = CONTROL if added.get("special") else USER_DEFINED
    return tokens, types


def _numbered(vocabulary: dict[str, int] | list[tuple[str, float]]) -> Iterable[tuple[str, int]]:
    """Tokens and ids: of BPE and WordPiece by name, of Unigram in their order, with a score."""
    if isinstance(vocabulary, dict):
        return vocabulary.items()
    return ((piece, index) for index, (piece, _) in enumerate(vocabulary))


def _with_bytes(raw: dict[str, Any], tokens: list[str], types: list[int]) -> list[int]:
    """Types in which bytes and the unknown token are called so."""
    unknown = raw["model"].get("unk_token")
    found = list(types)
    for index, text in enumerate(tokens):
        if found[index] == NORMAL and _BYTE_TOKEN.fullmatch(text):
            found[index] = BYTE
        if text == unknown:
            found[index] = UNKNOWN
    return found


def _has_all_bytes(tokens: Collection[str]) -> bool:
    """Whether every byte has a token: llama.cpp ends its process where it looks for one in vain."""
    known = set(tokens)
    return all(f"<0x{byte:02X}>" in known for byte in range(256))


def _unigram(raw: dict[str, Any], tokens: list[str], types: list[int]) -> Vocabulary:
    model = raw["model"]
    scores = [0.0] * len(tokens)
    for index, (_, score) in enumerate(model["vocab"][: len(tokens)]):
        scores[index] = score
    types = _with_bytes(raw, tokens, types) if model.get("byte_fallback") else list(types)
    if (unknown := model.get("unk_id")) is not None:
        types[unknown] = UNKNOWN
    steps = list(flat(raw.get("normalizer") or {}, "normalizers"))
    charsmap = next((one["precompiled_charsmap"] for one in steps if one.get("type") == "Precompiled"), "")
    joins = any(one.get("type") == "Replace" and " {2,}" in one.get("pattern", {}).values() for one in steps)
    splits = (one.get("type") for one in flat(raw.get("pre_tokenizer") or {}, "pretokenizers"))
    joins = joins or "WhitespaceSplit" in splits
    return Vocabulary(
        "t5", "default", tokens, types, scores, adds_space(raw), joins, charsmap or "", model.get("unk_id")
    )


def _phantom_spaces(tokens: list[str], types: list[int]) -> list[str]:
    """WordPiece's tokens as llama.cpp writes them: a sign before what begins a word, none before the rest."""
    marked = []
    for text, kind in zip(tokens, types, strict=True):
        begun = text if text.startswith(WORD_PIECE) else f"{WORD_PIECE}\u2581{text}"
        marked.append(begun.removeprefix(WORD_PIECE) if kind == NORMAL else text)
    return marked


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
    if any(step.get("type") == "Prepend" for step in flat(normalizer, "normalizers")):
        return True
    for step in flat(raw.get("pre_tokenizer") or {}, "pretokenizers"):
        if step.get("type") == "Metaspace":
            scheme = step.get("prepend_scheme", "always")
            return bool(scheme != "never" and step.get("add_prefix_space", True))
    return False


def beyond_llama_cpp(raw: dict[str, Any]) -> str:
    """What this tokenizer does that llama.cpp is known not to do; empty where nothing of it is known."""
    added = raw.get("added_tokens", [])
    stripping = [one["content"] for one in added if one.get("lstrip") or one.get("rstrip")]
    steps = list(flat(raw.get("pre_tokenizer") or {}, "pretokenizers"))
    if stripping and gguf_name("", raw) == "":
        return f"its token {stripping[0]} swallows white space beside it, which llama.cpp does not"
    if any(step.get("type") == "ByteLevel" and step.get("add_prefix_space") for step in steps):
        return "it puts a space in front of a text, which llama.cpp does not with byte-level BPE"
    if any(step.get("prepend_scheme") == "first" for step in steps):
        return "it puts a space in front of the first piece only, llama.cpp behind every special token too"
    if (raw.get("model") or {}).get("type") == "WordPiece":
        return "it is a WordPiece, whose marks and long words llama.cpp takes otherwise"
    if (raw.get("model") or {}).get("type") == "Unigram":
        return "it is a Unigram, whose white space and bytes llama.cpp takes otherwise"
    return ""


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
