"""Which of several ways to write a tokenizer makes llama.cpp give the ids of the tokenizer.json? By trial.

Writes files with a vocabulary and nothing else, lets llama.cpp read them and compares on the hard texts.
Knows nothing of how vocabularies are made.
"""

from __future__ import annotations

import struct
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from engine.export.hard_texts import HARD_TEXTS, typed_specials
from engine.export.onepass.layout import header
from engine.export.vocabulary import Vocabulary
from engine.inference.llama import Model
from engine.models.tokenizer import encode, load_tokenizer
from store.errors import TemperError, UsageError

_STRING, _ARRAY, _COUNT, _INT, _FLOAT, _BOOL = 8, 9, 4, 5, 6, 7


def best(
    candidates: Iterable[Vocabulary], tokenizer_file: Path, merges: Sequence[str]
) -> tuple[Vocabulary, int]:
    """The candidate that gives most hard texts their ids, the first of equals, and how many it gets wrong.

    Texts that are not in Unicode's composed form are left out: llama.cpp composes nothing. `merges` as GGUF
    keeps them. Raises ValueError without a candidate.
    """
    tokenizer = load_tokenizer(tokenizer_file)
    added = tokenizer.get_added_tokens_decoder().values()
    texts = [*HARD_TEXTS, *typed_specials(token.content for token in added)]
    wanted = {text: encode(tokenizer, text) for text in texts if unicodedata.is_normalized("NFC", text)}
    found: list[tuple[Vocabulary, int]] = []
    with tempfile.TemporaryDirectory(prefix="temper-") as scratch:
        file = Path(scratch) / "vocabulary.gguf"
        for one in candidates:
            file.write_bytes(vocabulary_file(one, merges))
            found.append((one, wrong_of(file, wanted)))
            if not found[-1][1]:
                break
    return min(found, key=lambda each: each[1])


def wrong_of(file: Path, wanted: dict[str, list[int]]) -> int:
    """To how many texts llama.cpp gives other ids: to all of them where it refuses the file."""
    try:
        model = Model(file, vocabulary_only=True)
    except (TemperError, UsageError):
        return len(wanted)
    try:
        return sum(model.tokenise(text) != ids for text, ids in wanted.items())
    finally:
        model.close()


def vocabulary_file(vocabulary: Vocabulary, merges: Sequence[str]) -> bytes:
    """A GGUF of a vocabulary alone."""
    values: dict[str, bytes] = {
        "general.architecture": _text("llama"),
        "tokenizer.ggml.model": _text(vocabulary.model),
        "tokenizer.ggml.pre": _text(vocabulary.pre),
        "tokenizer.ggml.tokens": _texts(vocabulary.tokens),
        "tokenizer.ggml.token_type": _numbers(_INT, np.array(vocabulary.types, "<i4")),
        "tokenizer.ggml.add_bos_token": struct.pack("<I?", _BOOL, False),
    }
    if vocabulary.scores:
        values["tokenizer.ggml.scores"] = _numbers(_FLOAT, np.array(vocabulary.scores, "<f4"))
    if vocabulary.model == "gpt2":
        values["tokenizer.ggml.merges"] = _texts(merges)
    if vocabulary.add_space_prefix is not None:
        values["tokenizer.ggml.add_space_prefix"] = struct.pack("<I?", _BOOL, vocabulary.add_space_prefix)
    if vocabulary.unknown is not None:
        values["tokenizer.ggml.unknown_token_id"] = struct.pack("<II", _COUNT, vocabulary.unknown)
    if vocabulary.remove_extra_whitespaces is not None:
        joins = struct.pack("<I?", _BOOL, vocabulary.remove_extra_whitespaces)
        values["tokenizer.ggml.remove_extra_whitespaces"] = joins
    return header({key.encode(): value for key, value in values.items()}, [])


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<IQ", _STRING, len(data)) + data


def _texts(texts: Sequence[str]) -> bytes:
    parts = [struct.pack("<IIQ", _ARRAY, _STRING, len(texts))]
    for text in texts:
        data = text.encode()
        parts += [struct.pack("<Q", len(data)), data]
    return b"".join(parts)


def _numbers(kind: int, numbers: np.ndarray) -> bytes:
    return struct.pack("<IIQ", _ARRAY, kind, len(numbers)) + numbers.tobytes()
