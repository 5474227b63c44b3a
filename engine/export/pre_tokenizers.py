"""llama.cpp's names for how byte-level BPE splits a text before it merges, found by the structure of a
tokenizer.json.

A name stands for a set of patterns in llama.cpp's source, and for whether whole words are taken from the
vocabulary before merging (`ignore_merges`). What is not known by its structure can be found by trying all
names (engine.export.trial). Knows no vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_GPT2 = "(ByteLevel)"
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LLAMA3 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + _TAIL
_QWEN2 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + _TAIL
_QWEN35 = (
    _CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_FALCON = ("(Punctuation Contiguous)", _GPT2, "(DigitRuns)", "[0-9][0-9][0-9]")
_DEEPSEEK_CODER = ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", "(Digits)")

KNOWN: dict[tuple[tuple[str, ...], bool], str] = {
    ((_GPT2,), False): "gpt-2",
    (("(Digits)", _GPT2), False): "smollm",
    ((_LLAMA3,), True): "llama-bpe",
    ((_LLAMA3,), False): "dbrx",
    ((_QWEN2,), False): "qwen2",
    ((_QWEN35,), False): "qwen35",
    (_FALCON, False): "falcon",
    (_DEEPSEEK_CODER, False): "deepseek-coder",
}
"""Steps and `ignore_merges` -> name."""

NAMES = (
    "gpt-2",
    "smollm",
    "qwen2",
    "llama-bpe",
    "dbrx",
    "gpt-4o",
    "granite-embed-multi-97m",
    "tekken",
    "deepseek-llm",
    "deepseek-v3",
    "deepseek-coder",
    "falcon",
    "qwen35",
    "bloom",
    "viking",
    "tiny_aya",
    "bailingmoe",
    "seed-coder",
    "exaone-moe",
    "minicpm5",
    "youtu",
    "jais-2",
    "afmoe",
    "superbpe",
    "chameleon",
    "kimi-k2",
    "default",
)
"""One name for each way of splitting that llama.cpp has, the usual ones first."""


def name_by_structure(raw: dict[str, Any]) -> str | None:
    """llama.cpp's name for the pre-tokenizer of a byte-level tokenizer.json; None when it is unknown here."""
    if not is_byte_level(raw):
        return None
    signature = tuple(_signature(raw.get("pre_tokenizer") or {}))
    return KNOWN.get((signature, bool(raw["model"].get("ignore_merges"))))


def is_byte_level(raw: dict[str, Any]) -> bool:
    """Whether llama.cpp could hold it as byte-level BPE at all: bytes as letters, no other normalising.

    Unicode's composed form is let through: llama.cpp does not compose, which the ship check warns of.
    """
    steps = list(flat(raw.get("pre_tokenizer") or {}, "pretokenizers"))
    byte_level = [step for step in steps if step.get("type") == "ByteLevel"]
    normal = [step.get("type") for step in flat(raw.get("normalizer") or {}, "normalizers")]
    return (
        bool(byte_level)
        and not any(step.get("add_prefix_space") for step in byte_level)
        and {*normal} <= {"NFC"}
    )


def flat(step: dict[str, Any], inner: str) -> Iterator[dict[str, Any]]:
    """A step, or the steps of a sequence in their order."""
    if step.get("type") == "Sequence":
        for part in step.get(inner, []):
            yield from flat(part, inner)
    elif step:
        yield step


def _signature(pre: dict[str, Any]) -> Iterator[str]:
    for step in flat(pre, "pretokenizers"):
        match step:
            case {"type": "ByteLevel", "use_regex": False}:
                continue
            case {"type": "ByteLevel"}:
                yield _GPT2
            case {"type": "Digits", "individual_digits": single}:
                yield "(Digits)" if single else "(DigitRuns)"
            case {"type": "Punctuation"}:
                yield f"(Punctuation {step.get('behavior')})"
            case {"type": "Split", "pattern": {"Regex": pattern}} if _keeps_all(step):
                yield pattern
            case _:
                yield f"({step.get('type')})"


def _keeps_all(step: dict[str, Any]) -> bool:
    """Whether a Split gives every match as a piece: as it says, or by removing what is between matches."""
    said = (step.get("behavior"), step.get("invert"))
    return said in (("Isolated", False), ("Isolated", None), ("Removed", True), ("Isolated", True))
