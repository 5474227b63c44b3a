"""A model's vocabulary as llguidance reads it: each token's bytes, and which tokens are no text.

Made from the loaded GGUF, so it is the vocabulary of the model that answers. Knows nothing of grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import llama_cpp
import llguidance

from engine.inference.llama import Model


class Vocabulary:
    """`tokenizer` for llguidance, `size` and `ends` of the model's vocabulary. A second at 128k tokens.

    `control_tokens` are those that are no text, by the words they are spelled with (`[TOOL_CALLS]`).
    """

    def __init__(
        self,
        tokens: list[bytes],
        special: list[int],
        ends: frozenset[int],
        encode: Callable[[bytes], list[int]],
        control_tokens: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.size = len(tokens)
        self.ends = ends
        self.control_tokens = control_tokens
        named = list(tokens)
        for token in special:  # tokens that are spelled alike would share a place in every mask
            named[token] = b"<|%d|>" % token
        source = llguidance.TokenizerWrapper(_Tokens(named, special, min(ends, default=0), encode))
        self.tokenizer = llguidance.LLTokenizer(
            source, n_vocab=self.size, slices=llguidance.LLTokenizer.json_slices()
        )

    @classmethod
    def of(cls, model: Model) -> Vocabulary:
        """The vocabulary of a loaded model; made once for each."""
        return _of_model(model)


class _Tokens:
    """What llguidance asks of a tokenizer. `encode` gives the ids of a piece of text, as the model would."""

    def __init__(
        self, tokens: list[bytes], special: list[int], end: int, encode: Callable[[bytes], list[int]]
    ) -> None:
        self.eos_token_id = end
        self.bos_token_id = None
        self.tokens = tokens
        self.special_token_ids = special
        self._encode = encode

    def __call__(self, text: bytes | str) -> list[int]:
        return self._encode(text.encode() if isinstance(text, str) else text)


@lru_cache(maxsize=4)
def _of_model(model: Model) -> Vocabulary:
    ids = range(model.vocabulary_size)
    pieces = [model.piece(token) for token in ids]
    # a token without bytes would leave the text as it is: it could come for ever
    silent = [
        token for token in ids if not pieces[token] or llama_cpp.llama_vocab_is_control(model.vocab, token)
    ]

    def encode(text: bytes) -> list[int]:
        return model.tokenise(text.decode(errors="replace"), parse_special=False)

    control = {
        word: token
        for token in silent
        if llama_cpp.llama_vocab_is_control(model.vocab, token)
        and token not in model.stop_ids
        and (word := model.token_text(token))
    }
    return Vocabulary(pieces, silent, model.stop_ids, encode, control)


@lru_cache(maxsize=1)
def byte_vocabulary() -> Vocabulary:
    """A vocabulary of the 256 bytes, for looking at texts without a model."""
    tokens = [bytes([byte]) for byte in range(256)]
    return Vocabulary([*tokens, b""], [256], frozenset({256}), list)
